// Session: one peering between this node and another network, as the control plane hands it out, valid once it has this
// type. Reading it from the wire (which has many dialects) is session_json.h; what a node makes of it is peering.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ip.h"
#include "base/key.h"
#include "base/secret.h"
#include "base/shared_text.h"

namespace moenet::model {

using Asn = std::uint32_t;     // 1…4294967295 (RFC 6793); 0 is never valid (RFC 7607)
using SessionId = SharedText;  // the control plane's uuid, lower case: [0-9a-f-]{36}

enum class SessionStatus : std::uint8_t {
  deleted = 0,
  disabled = 1,
  enabled = 2,
  pending = 3,
  queued_for_setup = 4,
  queued_for_delete = 5,
  problem = 6,
  teardown = 7,
  rejected = 8,
};

// "QUEUED_FOR_SETUP": the name people and documents use.
std::string_view name_of(SessionStatus status);
std::optional<SessionStatus> session_status_from_int(std::int64_t value);

// `loopback` is never on the wire: a link of our own that carries the node's addresses and leads nowhere.
enum class TunnelType : std::uint8_t { wireguard, gre, ip6gre, loopback };
std::string_view name_of(TunnelType type);  // "wireguard", "gre", "ip6gre": as on the wire
// The family of the addresses between which a GRE tunnel's packets travel; absent of other types.
std::optional<IpFamily> gre_family(TunnelType type);

// What is sent and accepted (wire contract A3).
enum class SessionPolicy : std::uint8_t {
  full,        // send all valid, accept all valid
  peer,        // send own, accept theirs
  upstream,    // send all valid, accept theirs
  downstream,  // send own, accept all valid
};
std::string_view name_of(SessionPolicy policy);

// 1…15 bytes of [A-Za-z0-9_.-], none of "." and "..", nor "all" and "default", which are the kernel's own folders below
// /proc/sys/net/*/conf (devinet.c refuses them as links).
bool is_interface_name(std::string_view name);

// Can a BGP password be said in BIRD's language? Its strings know no escapes, so a quote would end them.
bool is_bird_password(std::string_view password);

struct Session {
  SessionId uuid;
  Asn asn = 0;
  SharedText name;  // free text from outside, valid UTF-8 with any characters, NUL too: escape it wherever it goes
  SharedText description;  // likewise
  SessionStatus status = SessionStatus::pending;

  TunnelType type = TunnelType::wireguard;
  std::string interface_name;        // is_interface_name
  std::uint32_t mtu_bytes = 1420;    // 1280…9000
  std::uint16_t listen_port = 0;     // UDP; 0 = the kernel's choice
  std::optional<HostPort> endpoint;  // absent: wait for the peer to call; its port is never 0. Of GRE: never absent,
                                     // and its port is 0; an address is one host's and of gre_family()

  std::optional<std::uint32_t> gre_key;  // `data.greKey`, of GRE only: RFC 2890, of both directions
  Key public_key;                        // the peer's; never zero in a wireguard session
  std::optional<Key> preshared_key;

  std::optional<IpAddress> ipv4;  // the peer's addresses, without prefix length
  std::optional<IpAddress> ipv6;
  std::optional<IpAddress> ipv6_link_local;  // may be our own: see peering.h

  bool mp_bgp = false;
  bool extended_next_hop = false;
  SessionPolicy policy = SessionPolicy::full;
  std::optional<Secret> bgp_password;           // `data.password`: RFC 2385 key, 1…80 bytes of printable ASCII
  std::optional<std::uint32_t> import_limit;    // `data.importLimit`: prefixes per family; absent: the node's default
  std::optional<std::uint32_t> bandwidth_mbit;  // `data.bandwidthMbit`: of the link's slower direction, 1…1,000,000

  friend bool operator==(const Session&, const Session&) = default;
};

}  // namespace moenet::model
