// IcmpSocket: echoes of one family out and what answers them in, many for a system call, through a raw socket or,
// without CAP_NET_RAW, a datagram one. The kernel drops for us what is not about our identifier. It believes and counts
// nothing. From a given source through a tunnel to a link-local address it sends past the routes where it may
// (packet(7)): for each packet the kernel goes through the fe80::/64 of all links, which with 10,000 of them is 0.6 ms.
// Such a link must have no hardware addresses.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/ip.h"
#include "base/result.h"
#include "net/icmp_codec.h"

namespace moenet::net {

// What the kernel lets this process use: raw sockets (CAP_NET_RAW), or datagram ICMP (net.ipv4.ping_group_range).
enum class IcmpAccess : std::uint8_t { raw, datagram };

using WallClock = WallTime (*)();

// When a packet came. The kernel stamps by the wall clock, which may be stepped at any moment; so only how long the
// packet lay in the socket is taken of it, and only if steady time leaves room for that.
struct ArrivalStamp {
  SteadyTime empty_at;                             // the socket held nothing then
  SteadyTime read_at;                              // the packet was read
  std::optional<std::chrono::nanoseconds> queued;  // by the wall clock; absent: the kernel did not stamp it
};
// By steady time, from when `sent` was; the later bound, read_at, when the wall clock was stepped meanwhile.
SteadyTime arrival_of(const ArrivalStamp& stamp, SteadyTime sent);

struct IcmpDeparture {
  std::span<std::uint8_t> packet;  // ICMP header first; its checksum may be set
  IpAddress target;
  int interface_index = 0;  // 0: as the routes say
  std::optional<IpAddress> source;
  std::uint8_t hop_limit = 0;  // 0: the system's
};

struct IcmpArrival {
  IcmpMessage message;
  IpAddress from;
  std::uint32_t interface_index = 0;  // of a link-local `from`, else 0
  ArrivalStamp stamp;
};

// Not thread-safe. Sends and reads without waiting.
class IcmpSocket {
 public:
  // Chosen: more packets in one system call gain nothing measurable and stamp the last of them too early.
  static constexpr std::size_t kMostAtOnce = 16;

  // Errors: denied, invalid (the kernel lacks the family), unavailable (out of descriptors).
  static Result<IcmpSocket> open(IpFamily family, IcmpAccess access, std::uint16_t identifier, WallClock wall);

  // A datagram socket's is the kernel's choice.
  std::uint16_t identifier() const { return identifier_; }
  int fd() const { return fd_.get(); }

  // Never on the way nor here, whatever size the path is known to take (IPv4's DF, IP_PMTUDISC_PROBE); else as the
  // system does.
  Result<void> set_never_fragment(bool on);

  // At most kMostAtOnce, in this order. errors[i] is the errno of departure i, 0 when it left. How many were dealt
  // with: fewer when the kernel has no room for more now.
  std::size_t send(std::span<const IcmpDeparture> departures, std::span<int> errors);

  // Adds everything that lies in the socket and can be read as an answer. Errors: unavailable, internal.
  Result<void> receive(std::vector<IcmpArrival>& arrivals);

 private:
  IcmpSocket() = default;
  bool goes_past_routes(const IcmpDeparture& departure) const;
  std::size_t send_past_routes(std::span<const IcmpDeparture> departures, std::span<int> errors);
  std::size_t send_by_routes(std::span<const IcmpDeparture> departures, std::span<int> errors);
  Result<void> receive_errors(std::vector<IcmpArrival>& arrivals);

  UniqueFd fd_;
  UniqueFd past_routes_;  // none for IPv4, without CAP_NET_RAW, and where somebody forbids such sockets
  IpFamily family_ = IpFamily::v4;
  IcmpAccess access_ = IcmpAccess::raw;
  std::uint16_t identifier_ = 0;
  WallClock wall_ = wall_now;
  SteadyTime empty_at_{};
  std::vector<std::uint8_t> buffer_;
};

}  // namespace moenet::net
