#include "base/ip.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>

#include <fmt/format.h>

#include "base/log.h"

namespace moenet {

namespace {

// A decimal number as people write it: digits only, no sign, no leading zero.
std::optional<unsigned> parse_decimal(std::string_view text, unsigned most) {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > most) return std::nullopt;
  return value;
}

std::unexpected<Error> not_a(std::string_view what, std::string_view text) {
  return fail(Errc::invalid, fmt::format("not {}: \"{}\"", what, escape_for_log(text, 80)));
}

bool is_alphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex_digit(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

bool is_label(std::string_view label) {
  if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
  return std::all_of(label.begin(), label.end(), [](char c) { return is_alphanumeric(c) || c == '-'; });
}

// The resolver would read such a last label as (part of) an IPv4 address in one of inet_aton(3)'s odd forms: "1.2.3",
// "0x7f000001".
bool reads_as_number(std::string_view label) {
  if (std::all_of(label.begin(), label.end(), is_digit)) return true;
  if (label.size() < 2 || label[0] != '0' || (label[1] != 'x' && label[1] != 'X')) return false;
  return std::all_of(label.begin() + 2, label.end(), is_hex_digit);
}

// RFC 1123 section 2.1: letters, digits and hyphens, labels of up to 63, 253 in all.
bool is_host_name(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  for (;;) {
    const std::size_t dot = host.find('.');
    const std::string_view label = host.substr(0, dot);
    if (!is_label(label)) return false;
    if (dot == std::string_view::npos) return !reads_as_number(label);
    host.remove_prefix(dot + 1);
  }
}

using OptionalPort = std::optional<std::uint16_t>;

Result<HostPort> make(std::string_view host, std::optional<unsigned> port, std::string_view text) {
  if (!port) return not_a("a host and port", text);
  if (auto address = IpAddress::parse(host)) return HostPort{address->text(), static_cast<std::uint16_t>(*port)};
  if (!is_host_name(host)) return not_a("a host and port", text);
  return HostPort{std::string(host), static_cast<std::uint16_t>(*port)};
}

Result<HostPort> parse_bracketed(std::string_view text, OptionalPort default_port) {
  const std::size_t close = text.find(']');
  if (close == std::string_view::npos) return not_a("a host and port", text);
  const auto address = IpAddress::parse(text.substr(1, close - 1));
  if (!address || !address->is_v6()) return not_a("a host and port", text);
  const std::string_view rest = text.substr(close + 1);
  if (rest.empty()) return make(address->text(), default_port, text);
  if (rest[0] != ':') return not_a("a host and port", text);
  return make(address->text(), parse_decimal(rest.substr(1), 65'535), text);
}

// More than one colon and no bracket: an IPv6 address, whose last group is the port where that reading is possible.
Result<HostPort> parse_bare_v6(std::string_view text, OptionalPort default_port) {
  const std::size_t last_colon = text.rfind(':');
  const auto port = parse_decimal(text.substr(last_colon + 1), 65'535);
  if (port) {
    const auto address = IpAddress::parse(text.substr(0, last_colon));
    if (address && address->is_v6()) return make(address->text(), port, text);
  }
  const auto address = IpAddress::parse(text);
  if (!address || !address->is_v6()) return not_a("a host and port", text);
  return make(address->text(), default_port, text);
}

bool has_prefix(const IpAddress& address, std::string_view prefix, unsigned length) {
  const std::string_view bytes = address.bytes();
  const unsigned whole = length / 8;
  if (bytes.substr(0, whole) != prefix.substr(0, whole)) return false;
  if (length % 8 == 0) return true;
  const unsigned differ = static_cast<unsigned char>(bytes[whole]) ^ static_cast<unsigned char>(prefix[whole]);
  return (differ >> (8 - length % 8)) == 0;
}

}  // namespace

IpAddress IpAddress::v4(std::array<std::uint8_t, 4> bytes) {
  IpAddress address;
  std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
  return address;
}

IpAddress IpAddress::v6(std::array<std::uint8_t, 16> bytes) {
  IpAddress address;
  address.family_ = IpFamily::v6;
  address.bytes_ = bytes;
  return address;
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
  // inet_pton(3) wants a terminated string; the longest valid text has 45 characters (RFC 4291 with a dotted tail).
  if (text.empty() || text.size() >= INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos) {
    return not_a("an IP address", text);
  }
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  std::copy(text.begin(), text.end(), terminated.begin());
  IpAddress address;
  address.family_ = text.find(':') == std::string_view::npos ? IpFamily::v4 : IpFamily::v6;
  const int family = address.is_v4() ? AF_INET : AF_INET6;
  if (::inet_pton(family, terminated.data(), address.bytes_.data()) != 1) return not_a("an IP address", text);
  return address;
}

bool IpAddress::is_link_local() const {
  return is_v4() ? has_prefix(*this, "\xA9\xFE", 16) : has_prefix(*this, "\xFE\x80", 10);
}

bool IpAddress::is_unspecified() const {
  return std::all_of(bytes_.begin(), bytes_.end(), [](std::uint8_t byte) { return byte == 0; });
}

bool IpAddress::is_loopback() const {
  if (is_v4()) return bytes_[0] == 127;
  return bytes_[15] == 1 && std::all_of(bytes_.begin(), bytes_.end() - 1, [](std::uint8_t byte) { return byte == 0; });
}

bool IpAddress::is_multicast() const { return is_v4() ? (bytes_[0] & 0xF0u) == 0xE0u : bytes_[0] == 0xFFu; }

bool IpAddress::is_unique_local() const { return is_v6() && (bytes_[0] & 0xFEu) == 0xFCu; }

std::string_view IpAddress::bytes() const { return {reinterpret_cast<const char*>(bytes_.data()), bits() / 8}; }

std::string IpAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> out{};
  ::inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes_.data(), out.data(), out.size());
  return out.data();
}

Result<IpPrefix> IpPrefix::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return not_a("an IP prefix", text);
  if (slash == std::string_view::npos) return host(*address);
  const auto length = parse_decimal(text.substr(slash + 1), address->bits());
  if (!length) return not_a("an IP prefix", text);
  return IpPrefix{*address, static_cast<std::uint8_t>(*length)};
}

bool IpPrefix::contains(const IpAddress& other) const {
  return other.family() == address.family() && has_prefix(other, address.bytes(), length);
}

bool IpPrefix::has_host_bits() const {
  const std::string_view bytes = address.bytes();
  for (unsigned bit = length; bit < address.bits(); ++bit) {
    if ((static_cast<unsigned char>(bytes[bit / 8]) & (0x80u >> bit % 8)) != 0) return true;
  }
  return false;
}

std::string IpPrefix::text() const { return fmt::format("{}/{}", address.text(), length); }

std::string Endpoint::text() const {
  return address.is_v6() ? fmt::format("[{}]:{}", address.text(), port) : fmt::format("{}:{}", address.text(), port);
}

Result<HostPort> HostPort::parse(std::string_view text, std::optional<std::uint16_t> default_port) {
  if (text.starts_with('[')) return parse_bracketed(text, default_port);
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return make(text, default_port, text);
  if (text.find(':', colon + 1) != std::string_view::npos) return parse_bare_v6(text, default_port);
  return make(text.substr(0, colon), parse_decimal(text.substr(colon + 1), 65'535), text);
}

std::optional<IpAddress> HostPort::address() const {
  const auto parsed = IpAddress::parse(host);
  return parsed ? std::optional(*parsed) : std::nullopt;
}

std::string HostPort::text() const {
  const std::string bare = host.find(':') == std::string::npos ? host : fmt::format("[{}]", host);
  return port == 0 ? bare : fmt::format("{}:{}", bare, port);
}

}  // namespace moenet
