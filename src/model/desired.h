// What a node should hold and what it does hold, in one vocabulary: tunnels and BIRD files. `reconcile` compares the
// two and never asks where either comes from; `agent` translates them from and to the kernel and BIRD.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/gre.h"
#include "base/ip.h"
#include "base/key.h"
#include "base/shared_text.h"
#include "model/lifecycle.h"
#include "model/mesh.h"
#include "model/peering.h"
#include "model/session.h"

namespace moenet::model {

// Who wants an object: "session/<uuid>", "mesh/<node id>", "loopback", "policy". Written into the link's ifalias and
// the BIRD file's first line, so that the agent knows its own after a crash and a lost state file.
using Owner = SharedText;
Owner owner_of_session(std::string_view uuid);
Owner owner_of_mesh(NodeId node);
inline constexpr std::string_view kLoopbackOwner = "loopback";
inline constexpr std::string_view kPolicyOwner = "policy";
// The uuid of a session's owner, the node of a mesh's; empty or absent of any other.
std::string_view session_of(std::string_view owner);
std::optional<NodeId> mesh_node_of(std::string_view owner);

struct TunnelPeer {
  Key public_key;
  std::optional<Key> preshared_key;
  // Desired: where to call, absent while the name is unresolved or the peer calls us. Observed: where the peer was last
  // seen.
  std::optional<Endpoint> endpoint;
  std::chrono::seconds keepalive{0};  // 0 = off
  std::vector<IpPrefix> allowed_ips;  // sorted
  // Observed only: age of the last handshake at observation; absent = never.
  std::optional<std::chrono::seconds> handshake_age;

  friend bool operator==(const TunnelPeer&, const TunnelPeer&) = default;
};

struct Tunnel {
  std::string name;  // interface name
  Owner owner;
  TunnelType type = TunnelType::wireguard;
  std::uint32_t mtu_bytes = 1420;
  bool up = true;
  std::vector<InterfaceAddress> addresses;  // sorted
  Key private_key;
  std::uint16_t listen_port = 0;  // desired 0: any; observed: the actual one
  std::vector<TunnelPeer> peers;  // sorted by public key
  // Of types gre and ip6gre, which have none of the three above. Desired without a remote: it is not known where the
  // far end is, and where the link leads stays. Observed: with one.
  std::optional<GreHeader> gre;
  // The endpoint text that was configured last, kept in the ifalias beside the owner. It tells an operator's change of
  // the endpoint (apply at once) from a peer that roamed (leave alone). Empty: none was applied yet.
  SharedText configured_endpoint;
  // Observed only: why its WireGuard side cannot be read. Then private_key, listen_port and peers say nothing.
  SharedText unreadable;

  friend bool operator==(const Tunnel&, const Tunnel&) = default;
};

struct BirdFile {
  std::string name;  // "dn42_4242420001.conf", no folder
  Owner owner;
  std::string text;

  friend bool operator==(const BirdFile&, const BirdFile&) = default;
};

// One session, one neighbor in the mesh, or the loopback, compiled for this node.
struct DesiredPeering {
  Owner owner;
  Asn asn = 0;  // of a session, else 0
  Intent intent = Intent::untouched;
  // With intent present: the tunnel is there, and the file of a session too. Else both are null. Shared, so that a
  // session which did not change is compiled once and never copied on its way to the node.
  std::shared_ptr<const Tunnel> tunnel;
  std::shared_ptr<const BirdFile> bird_file;
  std::string protocol;  // "dn42_<asn>": the BIRD protocol that bird_file defines
  // Known before anything is tried, e.g. two sessions claim one port: Broken or Invalid. Then intent says what happens
  // meanwhile.
  std::optional<Condition> verdict;
  // Set when the endpoint's name does not resolve: the cause to report, as Broken, while the tunnel has no endpoint
  // from before.
  SharedText endpoint_problem;
  bool has_named_endpoint = false;
  bool awaits_endpoint = false;  // its name is being looked up for the first time: nothing is claimed of it yet

  friend bool operator==(const DesiredPeering& a, const DesiredPeering& b);  // by content, not by pointer
};

// What is wanted of BIRD's protocols beside their configuration. A protocol in no list is left as it is: an operator
// who disables one by hand is not contradicted. Each list is sorted, and no name is in two of them.
struct SessionSwitches {
  std::vector<std::string> shut;    // maintenance holds them down
  std::vector<std::string> reopen;  // maintenance held them down, and they may be up again
  std::vector<std::string> kept;    // are down by somebody else's hand, and stay so when BIRD reads its configuration
  std::string message;              // for the neighbors of those that are shut (RFC 9003)

  friend bool operator==(const SessionSwitches&, const SessionSwitches&) = default;
};

struct DesiredState {
  std::vector<DesiredPeering> peerings;  // sorted by owner
  SessionSwitches switches;
  bool wants_firewall = false;  // what the tunnels need is let in; else the firewall is none of our business
  bool keeps_mesh = false;      // nothing is known of the mesh yet: what there is of it stays
  // BIRD's policy: files of kPolicyOwner, sorted by name, which go in together or not at all. Absent: not known, and
  // what is there stays.
  std::optional<std::vector<std::shared_ptr<const BirdFile>>> policy;
};

}  // namespace moenet::model
