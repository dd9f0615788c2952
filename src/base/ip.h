// IP addresses, prefixes and endpoints as values: parsed once at the door, ordered, printed in RFC 5952 form.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace moenet {

enum class IpFamily : std::uint8_t { v4, v6 };

class IpAddress {
 public:
  IpAddress() = default;  // 0.0.0.0
  static IpAddress v4(std::array<std::uint8_t, 4> bytes);
  static IpAddress v6(std::array<std::uint8_t, 16> bytes);
  // Dotted quad or RFC 4291 text, no zone, no prefix length, no brackets, no leading or trailing space. Errors:
  // invalid.
  static Result<IpAddress> parse(std::string_view text);

  IpFamily family() const { return family_; }
  bool is_v4() const { return family_ == IpFamily::v4; }
  bool is_v6() const { return family_ == IpFamily::v6; }
  bool is_link_local() const;    // fe80::/10 or 169.254.0.0/16
  bool is_unspecified() const;   // 0.0.0.0 or ::
  bool is_loopback() const;      // 127.0.0.0/8 or ::1
  bool is_multicast() const;     // 224.0.0.0/4 or ff00::/8
  bool is_unique_local() const;  // fc00::/7
  unsigned bits() const { return is_v4() ? 32 : 128; }
  // 4 or 16 bytes in network order, valid while this object lives.
  std::string_view bytes() const;
  std::string text() const;

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  IpFamily family_ = IpFamily::v4;
  std::array<std::uint8_t, 16> bytes_{};  // v4 uses the first four; the rest stay zero
};

struct IpPrefix {
  IpAddress address;  // host bits are kept: an interface address is a prefix too
  std::uint8_t length = 0;

  // "ADDRESS/LENGTH" or a bare address, which gets its full length. Errors: invalid.
  static Result<IpPrefix> parse(std::string_view text);
  static IpPrefix host(const IpAddress& address) { return {address, static_cast<std::uint8_t>(address.bits())}; }
  bool contains(const IpAddress& other) const;
  // Is a bit behind the length set? Then it is an interface's address, and no network.
  bool has_host_bits() const;
  std::string text() const;

  friend auto operator<=>(const IpPrefix&, const IpPrefix&) = default;
};

// An address and a UDP or TCP port.
struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;

  std::string text() const;  // "192.0.2.1:51820" or "[2001:db8::1]:51820"

  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

// A host, by name or address, and a port, as people and control planes write it.
struct HostPort {
  std::string host;  // an RFC 1123 host name, or an address without brackets
  std::uint16_t port = 0;

  // "host:port", "192.0.2.1:1", "[v6]:port", "v6:port" where the last group is meant as the port and the rest is a
  // valid address
  // ("2001:db8::1:51820" is ambiguous: it reads as the address 2001:db8::1 and port 51820), or any of them without a
  // port when `default_port` is given. Errors: invalid.
  static Result<HostPort> parse(std::string_view text, std::optional<std::uint16_t> default_port = std::nullopt);
  // The address when the host is one and needs no resolver.
  std::optional<IpAddress> address() const;
  std::string text() const;  // without a port when that is 0, which stands for none; IPv6 in brackets

  friend auto operator<=>(const HostPort&, const HostPort&) = default;
};

}  // namespace moenet
