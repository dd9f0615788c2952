// Which addresses are asked for echoes, and what they answer: the neighbor of each session that is in place, through
// its own link, and the loopback of each neighbor in the mesh, as the routes say.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/link_memory.h"
#include "agent/reconcile_task.h"
#include "base/clock.h"
#include "model/peering.h"
#include "net/pinger.h"

namespace moenet::agent {

struct EchoedLink {
  model::Owner owner;
  std::string interface_name;         // empty: as the routes say
  std::vector<IpAddress> candidates;  // best first, each once; not empty
  friend bool operator==(const EchoedLink&, const EchoedLink&) = default;
};
// Sorted by owner. A session's candidates: the neighbor's link-local address, then IPv6, then IPv4; a node's: IPv6,
// IPv4.
std::vector<EchoedLink> echoed_links(const NodeReport& report, const model::NodeIdentity& node);

struct LinkEchoes {
  IpAddress target;         // that answered, or was asked last
  net::EchoSummary echoes;  // without a median: nobody answered
};
// 0: there is no such link.
using InterfaceIndex = std::function<int(const std::string& name)>;

// How a round of echoes is asked.
struct EchoRound {
  net::EchoPlan burst;
  WallTime heard_since{};                    // a session's neighbor that answered last before this is silent
  std::chrono::milliseconds span{0};         // many packets are spread over so long, as far as kSlowestPace allows
  std::optional<IpAddress> link_local = {};  // ours, on each link
};
// A packet through one of n links costs the kernel 0.05 us * n, for it looks through the fe80::/64 of all of them
// (measured: 5 us with 100, 240 us with 5,000), so it is not to come in one piece. Slower than this a round would not
// end in sensible time.
inline constexpr std::chrono::microseconds kSlowestPace{8000};

// Entry i is link i's; absent when it could not be asked, because its interface is gone. A link is asked first where it
// answered last, and if it does not, at its other candidates in their order. A silent neighbor gets a single echo at
// each, and its burst where it answered that; so many never answer. Of many links some are asked after the others, so
// that no more than theirs is in memory. Errors: cancelled.
Result<std::vector<std::optional<LinkEchoes>>> ask_links(net::Pinger& pinger, std::span<const EchoedLink> links,
                                                         const KnownLinks& known, const EchoRound& round,
                                                         const InterfaceIndex& index, const std::stop_token& stop);

}  // namespace moenet::agent
