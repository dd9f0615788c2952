// The largest packet that a path carries there and back, found by echoes that nobody may fragment, after RFC 8899:
// silence counts as "too large" only when it repeats, and a router's word is a size to try, not the answer. For advice
// on a tunnel's MTU ask the path to the peer's endpoint and take tunnel_overhead() off; asked through the tunnel, with
// its own MTU as the most, it says whether the tunnel carries what its MTU promises.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>

#include "net/echo_exchange.h"

namespace moenet::net {

// IPv6's least MTU (RFC 8200 section 5); RFC 8899 section 5.1.2 takes it as BASE_PLPMTU of both families or nearly so.
inline constexpr std::uint16_t kLeastPathMtu = 1280;

// What WireGuard adds to a packet: IP and UDP header, and 32 bytes of its own (message header and tag).
constexpr std::uint16_t tunnel_overhead(IpFamily outer) { return outer == IpFamily::v4 ? 60 : 80; }

struct PathMtuPlan {
  unsigned tries = 3;                      // silence to so many is "too large" (RFC 8899 section 5.1.2, MAX_PROBES)
  unsigned sizes_at_once = 8;              // chosen: a range of 1,000 bytes takes four rounds
  std::chrono::milliseconds interval{50};  // between two tries of a size
  std::chrono::microseconds pace{2000};    // between any two packets
  std::chrono::milliseconds timeout{1000};
};

struct PathMtu {
  std::uint16_t bytes = 0;  // of the whole IP packet
  std::optional<IpAddress>
      named_by;  // the router that said so; absent: the most passed, or what is larger just vanishes
};

// Between `least` and `most`, whole IP packets; the probe's payload and hop limit are of no interest. Errors: invalid,
// unavailable (not even the least is answered: nothing is known of the path), cancelled.
Result<PathMtu> search_path_mtu(EchoExchange& exchange, const EchoProbe& target, std::uint16_t least,
                                std::uint16_t most, const PathMtuPlan& plan, const std::stop_token& stop);

}  // namespace moenet::net
