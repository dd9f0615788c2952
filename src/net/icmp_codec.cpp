#include "net/icmp_codec.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <vector>

#include <sodium/crypto_shorthash.h>
#include <sodium/randombytes.h>

namespace moenet::net {
namespace {

using Bytes = std::span<const std::uint8_t>;
using Kind = IcmpMessage::Kind;

constexpr std::size_t kIpv4HeaderBytes = 20;  // without options (RFC 791)
constexpr std::uint8_t kProtocolIcmp = 1;     // IANA, Assigned Internet Protocol Numbers
constexpr std::uint8_t kProtocolIcmpv6 = 58;

template <class T>
void put(std::uint8_t* to, T value) {
  for (std::size_t i = 0; i < sizeof value; ++i) to[i] = static_cast<std::uint8_t>(value >> 8 * (sizeof value - 1 - i));
}

template <class T>
T take(Bytes bytes, std::size_t at) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i) value = static_cast<T>(value << 8 | bytes[at + i]);
  return value;
}

IpAddress take_address(Bytes bytes, std::size_t at, IpFamily family) {
  std::array<std::uint8_t, 4> v4{};
  std::array<std::uint8_t, 16> v6{};
  if (family == IpFamily::v4) {
    std::ranges::copy(bytes.subspan(at, v4.size()), v4.begin());
    return IpAddress::v4(v4);
  }
  std::ranges::copy(bytes.subspan(at, v6.size()), v6.begin());
  return IpAddress::v6(v6);
}

// Identifier, sequence and seal, which a request and its reply share.
void take_echo(Bytes echo, IcmpMessage& message) {
  message.checksum = take<std::uint16_t>(echo, 2);
  message.identifier = take<std::uint16_t>(echo, 4);
  message.sequence = take<std::uint16_t>(echo, 6);
  if (echo.size() < kIcmpHeaderBytes + kSealBytes) return;
  message.stamp = EchoStamp{take<std::uint32_t>(echo, 8), take<std::uint32_t>(echo, 12),
                            std::chrono::nanoseconds(static_cast<std::int64_t>(take<std::uint64_t>(echo, 16)))};
  message.cookie = take<std::uint64_t>(echo, 24);
}

// What an error says by its type and code. False: nothing that is about an echo on its way.
bool take_error(IpFamily family, std::uint8_t type, std::uint8_t code, IcmpMessage& message) {
  message.code = code;
  if (family == IpFamily::v4) {
    if (type == 11 && code == 0) {  // code 1 is about fragments that did not all arrive
      message.kind = Kind::time_exceeded;
    } else if (type == 3) {
      message.kind = code == 4 ? Kind::too_big : Kind::unreachable;
    } else {
      return false;
    }
    return true;
  }
  switch (type) {
    case 1: message.kind = Kind::unreachable; return true;
    case 2: message.kind = Kind::too_big; return true;
    case 3: message.kind = Kind::time_exceeded; return code == 0;
    default: return false;
  }
}

// `quoted` is the packet that an error is about, from its IP header on. The request in it, or nothing.
std::optional<Bytes> quoted_request(IpFamily family, Bytes quoted, IcmpMessage& message) {
  std::size_t header = kIpv6HeaderBytes;
  if (family == IpFamily::v4) {
    if (quoted.size() < kIpv4HeaderBytes || quoted[0] >> 4 != 4) return std::nullopt;
    header = std::size_t{quoted[0] & 0x0fu} * 4;
    const bool is_later_fragment = (take<std::uint16_t>(quoted, 6) & 0x1fff) != 0;
    if (header < kIpv4HeaderBytes || quoted[9] != kProtocolIcmp || is_later_fragment) return std::nullopt;
  } else if (quoted.size() < kIpv6HeaderBytes || quoted[0] >> 4 != 6 || quoted[6] != kProtocolIcmpv6) {
    return std::nullopt;  // we send no extension headers
  }
  if (quoted.size() < header + kIcmpHeaderBytes || quoted[header] != request_type(family)) return std::nullopt;
  message.quoted_target = take_address(quoted, family == IpFamily::v4 ? 16 : 24, family);
  return quoted.subspan(header);
}

std::string_view words_for_unreachable(IpFamily family, std::uint8_t code) {
  if (family == IpFamily::v6) {  // RFC 4443 section 3.1
    switch (code) {
      case 0: return "no route to the destination";
      case 1: return "administratively prohibited";
      case 3: return "address unreachable";
      case 4: return "port unreachable";
      case 5: return "refused by the source address policy";
      case 6: return "the route rejects it";
      default: return "destination unreachable";
    }
  }
  switch (code) {  // RFC 792, RFC 1812 section 5.2.7.1
    case 0: return "network unreachable";
    case 1: return "host unreachable";
    case 2: return "protocol unreachable";
    case 3: return "port unreachable";
    case 9:
    case 10:
    case 13: return "administratively prohibited";
    default: return "destination unreachable";
  }
}

}  // namespace

EchoKey EchoKey::random() {
  Bytes bytes{};
  static_assert(sizeof bytes == crypto_shorthash_KEYBYTES);
  ::randombytes_buf(bytes.data(), bytes.size());
  return EchoKey(bytes);
}

std::uint64_t EchoKey::cookie(const IpAddress& target, std::uint16_t sequence, const EchoStamp& stamp) const {
  std::array<std::uint8_t, 1 + 16 + 2 + 16> told{};
  told[0] = static_cast<std::uint8_t>(target.bytes().size());
  std::ranges::copy(target.bytes(), told.begin() + 1);
  put(told.data() + 17, sequence);
  put(told.data() + 19, stamp.run);
  put(told.data() + 23, stamp.number);
  put(told.data() + 27, static_cast<std::uint64_t>(stamp.sent.count()));
  std::array<std::uint8_t, crypto_shorthash_BYTES> hash{};
  ::crypto_shorthash(hash.data(), told.data(), told.size(), bytes_.data());
  return take<std::uint64_t>(hash, 0);
}

void write_echo(const EchoRequest& request, const EchoKey& key, std::span<std::uint8_t> packet) {
  assert(packet.size() >= kIcmpHeaderBytes + kSealBytes);
  std::ranges::fill(packet, std::uint8_t{0});
  packet[0] = request_type(request.target.family());
  put(packet.data() + 4, request.identifier);
  put(packet.data() + 6, request.sequence);
  put(packet.data() + 8, request.stamp.run);
  put(packet.data() + 12, request.stamp.number);
  put(packet.data() + 16, static_cast<std::uint64_t>(request.stamp.sent.count()));
  put(packet.data() + 24, key.cookie(request.target, request.sequence, request.stamp));
  if (request.target.is_v4()) put(packet.data() + 2, internet_checksum(packet));
}

std::uint16_t internet_checksum(std::span<const std::uint8_t> bytes) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) sum += take<std::uint16_t>(bytes, i);
  if (bytes.size() % 2 != 0) sum += static_cast<std::uint64_t>(bytes.back()) << 8;
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

Ipv6Header put_ipv6_header(const IpAddress& source, const IpAddress& target, std::uint8_t hop_limit,
                           std::span<std::uint8_t> packet) {
  constexpr std::size_t kLength = 4, kNext = 6, kHopLimit = 7, kSource = 8, kTarget = 24;
  Ipv6Header header{};
  put(header.data() + kLength, static_cast<std::uint16_t>(packet.size()));
  std::ranges::copy(source.bytes(), header.begin() + kSource);
  std::ranges::copy(target.bytes(), header.begin() + kTarget);
  // The pseudo-header has length, a zero and the next header where the header has version, length and the rest.
  std::vector<std::uint8_t> summed(header.begin(), header.end());
  summed[kNext + 1] = kProtocolIcmpv6;
  put(packet.data() + 2, std::uint16_t{0});
  summed.insert(summed.end(), packet.begin(), packet.end());
  put(packet.data() + 2, internet_checksum(summed));
  header[0] = 6 << 4;
  header[kNext] = kProtocolIcmpv6;
  header[kHopLimit] = hop_limit;
  return header;
}

Result<IcmpMessage> read_icmp(IpFamily family, std::span<const std::uint8_t> bytes, bool is_cut) {
  if (bytes.size() < kIcmpHeaderBytes) return fail(Errc::invalid, "an ICMP packet shorter than its header");
  if (family == IpFamily::v4 && !is_cut && internet_checksum(bytes) != 0)
    return fail(Errc::invalid, "an ICMP packet whose checksum is wrong");
  IcmpMessage message;
  if (bytes[0] == reply_type(family)) {
    if (bytes[1] != 0) return fail(Errc::invalid, "an ICMP echo reply with a code");
    take_echo(bytes, message);
    return message;
  }
  if (!take_error(family, bytes[0], bytes[1], message))
    return fail(Errc::invalid, "an ICMP packet that is no answer to an echo");
  if (message.kind == Kind::too_big)
    message.mtu_bytes = family == IpFamily::v4 ? take<std::uint16_t>(bytes, 6) : take<std::uint32_t>(bytes, 4);
  const auto request = quoted_request(family, bytes.subspan(kIcmpHeaderBytes), message);
  if (!request) return fail(Errc::invalid, "an ICMP error about something else than an echo");
  take_echo(*request, message);
  return message;
}

Result<IcmpMessage> read_ipv4_icmp(std::span<const std::uint8_t> bytes, bool is_cut) {
  if (bytes.size() < kIpv4HeaderBytes || bytes[0] >> 4 != 4) return fail(Errc::invalid, "not an IPv4 packet");
  const std::size_t header = std::size_t{bytes[0] & 0x0fu} * 4;
  if (header < kIpv4HeaderBytes || header > bytes.size() || bytes[9] != kProtocolIcmp)
    return fail(Errc::invalid, "not an IPv4 packet with ICMP");
  return read_icmp(IpFamily::v4, bytes.subspan(header), is_cut);
}

Result<IcmpMessage> read_queued_error(const IpAddress& target, std::uint8_t type, std::uint8_t code,
                                      std::uint32_t mtu_bytes, std::span<const std::uint8_t> request) {
  IcmpMessage message;
  if (!take_error(target.family(), type, code, message)) return fail(Errc::invalid, "not about an echo on its way");
  if (request.size() < kIcmpHeaderBytes || request[0] != request_type(target.family()))
    return fail(Errc::invalid, "an error about something else than an echo");
  if (message.kind == Kind::too_big) message.mtu_bytes = mtu_bytes;
  message.quoted_target = target;
  take_echo(request, message);
  return message;
}

bool is_sealed(const IcmpMessage& message, const IpAddress& target, const EchoKey& key) {
  if (!message.stamp) return false;
  if (message.quoted_target && *message.quoted_target != target) return false;
  return message.cookie == key.cookie(target, message.sequence, *message.stamp);
}

std::string_view words_for(IpFamily family, const IcmpMessage& message) {
  switch (message.kind) {
    case Kind::reply: return "echo reply";
    case Kind::time_exceeded: return "time to live exceeded";
    case Kind::too_big: return "packet too big";
    case Kind::unreachable: return words_for_unreachable(family, message.code);
  }
  return "";
}

}  // namespace moenet::net
