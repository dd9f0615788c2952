// ICMP echo as bytes (RFC 792, RFC 4443): requests that carry proof of having been ours, and what comes back: replies,
// and errors of routers that quote a request. Pure: it is told the key, and what it reads may be anything.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/ip.h"
#include "base/result.h"

namespace moenet::net {

inline constexpr std::size_t kIcmpHeaderBytes = 8;
// What each request carries of ours: stamp and cookie. A payload is never smaller.
inline constexpr std::size_t kSealBytes = 24;

constexpr std::uint8_t request_type(IpFamily family) { return family == IpFamily::v4 ? 8 : 128; }
constexpr std::uint8_t reply_type(IpFamily family) { return family == IpFamily::v4 ? 0 : 129; }

// Which of our echoes it is. What is sent in clear says nothing of the node: `sent` counts from any moment.
struct EchoStamp {
  std::uint32_t run = 0;
  std::uint32_t number = 0;  // of this run
  std::chrono::nanoseconds sent{0};
  friend bool operator==(const EchoStamp&, const EchoStamp&) = default;
};

// Makes and proves cookies: SipHash-2-4 over target, sequence and stamp. A value; whoever has it can forge.
class EchoKey {
 public:
  using Bytes = std::array<std::uint8_t, 16>;
  static EchoKey random();  // of the kernel's generator
  explicit EchoKey(const Bytes& bytes) : bytes_(bytes) {}
  std::uint64_t cookie(const IpAddress& target, std::uint16_t sequence, const EchoStamp& stamp) const;

 private:
  Bytes bytes_;
};

struct EchoRequest {
  IpAddress target;
  std::uint16_t identifier = 0;
  std::uint16_t sequence = 0;
  EchoStamp stamp;
};

// Fills `packet`, ICMP header first; what is behind the seal is zero. The checksum is set for IPv4; for IPv6 it needs
// the addresses, and the kernel sets it (RFC 3542 section 3.1). `packet` holds kIcmpHeaderBytes + kSealBytes at least.
void write_echo(const EchoRequest& request, const EchoKey& key, std::span<std::uint8_t> packet);

// RFC 1071; of bytes that contain their checksum it is 0.
std::uint16_t internet_checksum(std::span<const std::uint8_t> bytes);

// What goes before an ICMP packet of IPv6 that no kernel adds a header to (RFC 8200 section 3).
inline constexpr std::size_t kIpv6HeaderBytes = 40;
using Ipv6Header = std::array<std::uint8_t, kIpv6HeaderBytes>;
// REQUIRES: IPv6 addresses. Sets the packet's checksum, which is about both (section 8.1).
Ipv6Header put_ipv6_header(const IpAddress& source, const IpAddress& target, std::uint8_t hop_limit,
                           std::span<std::uint8_t> packet);

// What a packet says; whether it is to be believed says is_sealed.
struct IcmpMessage {
  enum class Kind : std::uint8_t { reply, time_exceeded, unreachable, too_big };
  Kind kind = Kind::reply;
  std::uint8_t code = 0;
  std::uint32_t mtu_bytes = 0;             // of too_big: what would fit; 0: the router does not say (before RFC 1191)
  std::optional<IpAddress> quoted_target;  // of an error: whom the request was for
  std::uint16_t identifier = 0;
  std::uint16_t sequence = 0;
  std::uint16_t checksum = 0;      // of an error: the request's
  std::optional<EchoStamp> stamp;  // absent when less than the seal came back: RFC 792 demands 8 bytes of the request
  std::uint64_t cookie = 0;        // with `stamp`

  friend bool operator==(const IcmpMessage&, const IcmpMessage&) = default;
};

// The ICMP header first, as datagram sockets and raw sockets of IPv6 hand it over. `is_cut`: the packet was longer than
// the buffer, so that its checksum cannot be proved. Errors: invalid (neither a reply nor an error about an echo).
Result<IcmpMessage> read_icmp(IpFamily family, std::span<const std::uint8_t> bytes, bool is_cut = false);
// With the IPv4 header before it, as raw sockets of IPv4 do.
Result<IcmpMessage> read_ipv4_icmp(std::span<const std::uint8_t> bytes, bool is_cut = false);
// As a datagram socket's error queue tells it (ip(7), IP_RECVERR): type, code and MTU apart, `request` quoted bare.
Result<IcmpMessage> read_queued_error(const IpAddress& target, std::uint8_t type, std::uint8_t code,
                                      std::uint32_t mtu_bytes, std::span<const std::uint8_t> request);

// Is it about a request to `target` that `key` sealed? False also when the seal did not come back.
bool is_sealed(const IcmpMessage& message, const IpAddress& target, const EchoKey& key);

// An error as people know it: "host unreachable", "administratively prohibited".
std::string_view words_for(IpFamily family, const IcmpMessage& message);

}  // namespace moenet::net
