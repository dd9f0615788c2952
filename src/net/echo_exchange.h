// EchoExchange: sends echoes in a given pace and tells what became of each. Pinger, trace_path and search_path_mtu are
// questions put to it. An answer counts when only we can have made its request (icmp_codec's cookie).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "net/icmp_codec.h"
#include "net/icmp_socket.h"

namespace moenet::net {

struct EchoProbe {
  IpAddress target;
  int interface_index = 0;  // through this link; needed for a link-local address, 0: as the routes say
  std::optional<IpAddress> source;
  std::uint16_t payload_bytes = 56;  // behind the ICMP header, as ping(8) sends by default; kSealBytes at least
  std::uint8_t hop_limit = 0;        // 0: the system's
};

struct ExchangePlan {
  unsigned count = 1;                       // echoes of each probe, in rounds
  std::chrono::milliseconds interval{200};  // between two echoes of one probe
  std::chrono::microseconds pace{1000};     // between any two packets; 0: as fast as the kernel takes them
  std::chrono::milliseconds timeout{1000};  // an answer that takes longer is late
  bool never_fragment = false;              // neither on the way nor here, whatever the path is known to take
};

// What a router, or the target, said instead of a reply.
struct EchoRefusal {
  IpAddress from;
  IcmpMessage::Kind kind = IcmpMessage::Kind::unreachable;
  std::uint8_t code = 0;
  std::uint32_t mtu_bytes = 0;  // of too_big: what would fit; 0: it does not say
};

struct EchoOutcome {
  enum class Fate : std::uint8_t { unsent, silent, answered, refused };
  Fate fate = Fate::unsent;
  int send_error = 0;                  // errno of the unsent
  std::chrono::nanoseconds time{0};    // until the reply, or the refusal
  unsigned duplicates = 0;             // further replies
  unsigned late = 0;                   // replies after the timeout
  std::optional<EchoRefusal> refusal;  // of the refused
};

// What came that belongs to no echo of a run.
struct EchoStrays {
  std::uint64_t forged = 0;  // with a cookie that is not ours, or from somebody else
  std::uint64_t stale = 0;   // of a run before
};

struct ExchangeSettings {
  std::optional<IcmpAccess> access;  // absent: the best that the kernel allows
  WallClock wall = wall_now;
};

// Not thread-safe: one per thread.
class EchoExchange {
 public:
  // Errors: denied, when the kernel allows neither raw nor datagram ICMP; unavailable.
  static Result<std::unique_ptr<EchoExchange>> open(const ExchangeSettings& settings = {});

  IcmpAccess access() const { return access_; }
  const EchoStrays& strays() const { return strays_; }

  // Outcome number round * probes.size() + i is of probe i. Ends as soon as every echo is answered, refused or late.
  // Errors: cancelled, unavailable.
  Result<std::vector<EchoOutcome>> run(std::span<const EchoProbe> probes, const ExchangePlan& plan,
                                       const std::stop_token& stop);

 private:
  class Run;
  explicit EchoExchange(IcmpAccess access) : access_(access) {}
  IcmpSocket* socket_of(IpFamily family);

  IcmpAccess access_;
  std::optional<IcmpSocket> ipv4_;  // absent: the kernel has no such family
  std::optional<IcmpSocket> ipv6_;
  EchoKey key_ = EchoKey::random();
  SteadyTime epoch_ = steady_now();  // stamps count from here
  std::uint32_t run_ = 0;
  std::uint16_t sequence_ = 0;  // of the next run's first echo
  EchoStrays strays_;
};

}  // namespace moenet::net
