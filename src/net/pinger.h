// Pinger: ICMP echo to many addresses at once (RFC 792, RFC 4443): one socket per family, packets in a given pace,
// thousands under way. A reply counts when it carries what only its request could tell (identifier, sequence, cookie).
// Times are from right before a packet is handed to the kernel until the kernel got its reply; packets that the pace
// lets leave at one moment (pace 0, or a thread that had no turn) share the first one's. It knows nothing of sessions.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "net/echo_exchange.h"

namespace moenet::net {

struct EchoTarget {
  IpAddress address;
  int interface_index = 0;  // through this link; needed for a link-local address, 0: as the routes say
  std::optional<IpAddress> source;
};

struct EchoPlan {
  unsigned count = 5;                       // echoes to each target
  std::chrono::milliseconds interval{200};  // between two echoes to one target
  std::chrono::microseconds pace{1000};     // between any two packets
  std::chrono::milliseconds timeout{1000};  // a reply that takes longer is late, and its echo lost
  std::uint16_t payload_bytes = 56;         // of ICMP, as ping(8) sends by default
  bool never_fragment = false;              // IPv4's DF; IPv6 is never fragmented on the way
};

struct EchoResult {
  unsigned sent = 0;
  unsigned duplicates = 0;                      // further replies to an echo that had one
  unsigned late = 0;                            // after their timeout
  std::vector<std::chrono::nanoseconds> times;  // of the echoes that were answered in time, in the order of sending
  std::string error;  // why echoes could not be sent or are refused: "network is unreachable"; empty when none

  unsigned received() const { return static_cast<unsigned>(times.size()); }
};

// Absent values: nothing was received. Jitter is the mean difference of consecutive times (RFC 3550's idea).
struct EchoSummary {
  std::optional<std::chrono::nanoseconds> median;
  std::optional<std::chrono::nanoseconds> least;
  std::optional<std::chrono::nanoseconds> jitter;
  double loss_percent = 100;  // 0…100, of those sent
};
EchoSummary summary_of(const EchoResult& result);

// Not thread-safe: one per thread.
class Pinger {
 public:
  using Access = IcmpAccess;

  // Errors: denied, when the kernel allows neither.
  static Result<std::unique_ptr<Pinger>> open(const ExchangeSettings& settings = {});
  virtual ~Pinger() = default;

  virtual Access access() const = 0;
  // Result i is target i's. Errors: cancelled.
  virtual Result<std::vector<EchoResult>> measure(std::span<const EchoTarget> targets, const EchoPlan& plan,
                                                  const std::stop_token& stop) = 0;
};

}  // namespace moenet::net
