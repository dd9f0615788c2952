// Peering: what a session means on one node. The addresses at both ends, which families run, and what contradicts what.
// Pure; shared by the agent, which carries it out, and the control plane, which refuses at the door what the agent
// would.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "model/session.h"
#include "model/session_json.h"

namespace moenet::model {

// What a node is, as far as a session depends on it.
struct NodeIdentity {
  std::string name;
  std::optional<IpAddress> ipv4;  // the node's DN42 address, used as /32 on each tunnel
  std::optional<IpAddress> ipv6;
  std::optional<IpAddress> ipv6_link_local;  // carried by each tunnel

  friend bool operator==(const NodeIdentity&, const NodeIdentity&) = default;
};

// An address of an interface: `local`, with the far end's address when the link is point to point.
struct InterfaceAddress {
  IpPrefix local;
  std::optional<IpAddress> peer;

  friend auto operator<=>(const InterfaceAddress&, const InterfaceAddress&) = default;
};

struct Peering {
  IpAddress neighbor;         // who BGP talks to
  IpAddress source;           // our address on the link that BGP uses; same kind as the neighbor
  bool carries_ipv4 = false;  // which channels the BGP session has: the neighbor's family, with MP-BGP both, if
                              // the other has a next hop at both ends
  bool carries_ipv6 = false;
  bool extended_next_hop = false;           // RFC 8950: IPv4 with IPv6 next hops
  std::vector<InterfaceAddress> addresses;  // what our end of the link carries, sorted

  friend bool operator==(const Peering&, const Peering&) = default;
};

// The peering of a session on a node, by the neighbor rule of the wire contract (A3): `ipv6` if link-local; else
// `ipv6LinkLocal` if it is not one of our own; else `ipv6`; else `ipv4`. Faults: no usable neighbor; a neighbor that
// equals our own address; a family for which the node has no address.
std::expected<Peering, Fault> peering_of(const Session& session, const NodeIdentity& node);

}  // namespace moenet::model
