// The way to an address, hop by hop: echoes with growing hop limits, and who says that the limit ended there (RFC 792,
// RFC 4443). Bounded in hops, probes and time.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "net/echo_exchange.h"

namespace moenet::net {

struct TracePlan {
  unsigned most_hops = 30;                  // as traceroute(8)
  unsigned probes = 3;                      // for each hop
  unsigned at_once = 8;                     // hops asked together; so many silent ones together end it
  std::chrono::milliseconds interval{100};  // between two probes of one hop: routers answer few
  std::chrono::microseconds pace{2000};     // between any two packets
  std::chrono::milliseconds timeout{1000};
};

struct HopAnswer {
  IpAddress from;
  std::chrono::nanoseconds time{0};
  std::string refusal;  // when the way ends there but not at the target: "administratively prohibited"
  friend bool operator==(const HopAnswer&, const HopAnswer&) = default;
};

using Hop = std::vector<std::optional<HopAnswer>>;  // one for each probe; absent: silence

struct Trace {
  std::vector<Hop> hops;  // the first is one hop away; none behind the last that answered
  bool reached = false;   // the last is the target
};

// Its hop limit is of no interest. Errors: cancelled, unavailable (nothing could be sent).
Result<Trace> trace_path(EchoExchange& exchange, const EchoProbe& target, const TracePlan& plan,
                         const std::stop_token& stop);

}  // namespace moenet::net
