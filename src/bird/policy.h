// The whole configuration of a BIRD that this agent owns (config `bird.ownership: "full"`), in files with one subject
// each, which lie in the peer folder and sort before the peers' files. Pure and deterministic: equal input, equal
// bytes. Decision 0007 says why it is cut like this.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "bird/render.h"
#include "bird/reply.h"
#include "model/desired.h"
#include "model/routing_policy.h"

namespace moenet::bird {

// What the running BIRD's language knows; asked by its version. No function of the policy returns a value, but for BIRD
// 3 alone: 2.14 and later want `function f() -> bool` for that, which 2.0.12 does not know.
struct Dialect {
  bool has_babel_rtt = false;  // 2.14 and later: `type tunnel`, `rtt cost`; before: `type wired`
  // 3: a ROA that changes sends through the filters what it covers, and not all routes of the channel.
  bool validates_covered_only = false;
  bool trusts_kernel_scan = false;  // 3: what it saw in the kernel by its last scan it does not write (policy_base.cpp)
  bool spins_when_blocked =
      false;  // 3: an export limit that blocks is offered the same routes for ever (policy_parts.h)
  static Dialect of(const Version& version);
  friend bool operator==(const Dialect&, const Dialect&) = default;
};

struct Roa {  // RFC 6482
  IpPrefix prefix;
  std::uint8_t max_length = 0;
  model::Asn asn = 0;
  friend auto operator<=>(const Roa&, const Roa&) = default;
};

// Maintenance goes in two steps each way, because packets are routed anew at every node: one that leaves its own way
// while the next node still comes by it sends packets in a circle. So the others leave first and return last.
enum class Drain : std::uint8_t {
  off,
  asks,    // GRACEFUL_SHUTDOWN (RFC 8326) goes to every neighbor, and links of the mesh cost more; nothing moves here
  leaves,  // and what came in here is this node's last choice too
};

struct PolicyInput {
  model::BirdPolicy policy;
  PolicyNames names;
  std::string loopback_link;             // the link that carries the loopbacks: "dn42-lo"
  std::optional<std::uint32_t> country;  // ISO 3166 numeric; for the country community of own routes
  std::vector<Roa> roas;                 // static ones, sorted; beside or instead of RTR servers
  Drain drain = Drain::off;              // maintenance
  bool has_ibgp_bfd = false;
  bool tells_topology = false;  // what comes in over a session's link came through a tunnel
  bool has_mesh = true;         // Babel runs on the mesh's interfaces
};

// The owner of these files.
using model::kPolicyOwner;
// Interfaces of the mesh (wire contract A9).
inline constexpr std::string_view kMeshInterfaces = "dn42-wg-igp-*";

// 00_base.conf 05_communities.conf 10_roa.conf 20_filters.conf 25_loaded_roas.conf 30_babel.conf 40_ibgp.conf
// 50_ebgp.conf; one that would say nothing is left out. Sorted by name. When the network's own ROA comes or goes, BIRD
// 2 sends all routes through the filters again; BIRD 3 those only that a changed ROA covers (measured on 3.1.8), so it
// must be reminded (roa_state.h), or routes without any ROA keep the verdict of before.
std::vector<model::BirdFile> render_policy(const PolicyInput& input, const Dialect& dialect);

// bird.conf itself: what BIRD needs to start at all, and the include of the peer folder. `ipv4`: the node's, for the
// router id; without one it is made from `node_name`.
std::string render_main(std::string_view peer_folder, std::string_view node_name, const std::optional<IpAddress>& ipv4);

// What a session's file says of its link, for the communities of what comes in over it (DN42 wiki). Zero: not known,
// and then nothing is said. These are DN42's numbers, which stand for a meaning: the policy's tables say which
// community has it.
struct LinkTags {
  unsigned latency_tier = 0;  // 1…9
  unsigned bandwidth_mbit = 0;
  unsigned crypto = 0;      // 31…36
  unsigned loss_class = 0;  // 91…94
  friend bool operator==(const LinkTags&, const LinkTags&) = default;
};

}  // namespace moenet::bird
