#include "http/forwarded.h"

#include <algorithm>
#include <optional>

namespace moenet::http {

namespace {

constexpr std::string_view kBlanks = " \t";

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && kBlanks.contains(text.front())) text.remove_prefix(1);
  while (!text.empty() && kBlanks.contains(text.back())) text.remove_suffix(1);
  return text;
}

// At `separator`, but not within a quoted string (RFC 9110 section 5.6.4).
std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  bool is_quoted = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i == text.size() || (text[i] == separator && !is_quoted)) {
      parts.push_back(trimmed(text.substr(begin, i - begin)));
      begin = i + 1;
    } else if (text[i] == '"') {
      is_quoted = !is_quoted;
    } else if (text[i] == '\\' && is_quoted && i + 1 < text.size()) {
      ++i;
    }
  }
  return parts;
}

bool equal_without_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return (x | 0x20) == (y | 0x20); });
}

// An IPv4 address within an IPv6 one (RFC 4291 section 2.5.5.2) as what it is.
IpAddress unmapped(const IpAddress& address) {
  const std::string_view bytes = address.bytes();
  if (!address.is_v6() || !bytes.starts_with(std::string_view("\0\0\0\0\0\0\0\0\0\0\xFF\xFF", 12))) return address;
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[12 + i]); };
  return IpAddress::v4({byte(0), byte(1), byte(2), byte(3)});
}

// "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80"
std::optional<IpAddress> address_in(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    text = text.substr(1, end - 1);
  } else if (std::ranges::count(text, ':') == 1) {
    text = text.substr(0, text.find(':'));
  }
  const auto address = IpAddress::parse(text);
  return address ? std::optional(unmapped(*address)) : std::nullopt;
}

// The value of `name` in an element of Forwarded, "" when absent.
std::string_view parameter_of(std::string_view element, std::string_view name) {
  for (const std::string_view pair : split(element, ';')) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || !equal_without_case(pair.substr(0, equals), name)) continue;
    std::string_view value = pair.substr(equals + 1);
    if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"')) value = value.substr(1, value.size() - 2);
    return value;
  }
  return {};
}

}  // namespace

bool ProxyTrust::includes(const IpAddress& address) const {
  return std::ranges::any_of(proxies, [&](const IpPrefix& prefix) { return prefix.contains(address); });
}

Origin origin_of(const std::string& peer, bool is_tls, const Headers& headers, const ProxyTrust& trust) {
  Origin origin{peer, is_tls};
  const auto near = IpAddress::parse(peer);
  if (!near || !trust.includes(*near)) return origin;
  const bool is_forwarded = trust.header == ProxyHeader::forwarded;
  const auto chain = split(headers.find(is_forwarded ? "Forwarded" : "X-Forwarded-For").value_or(""), ',');
  for (auto element = chain.rbegin(); element != chain.rend(); ++element) {
    const auto address = address_in(is_forwarded ? parameter_of(*element, "for") : *element);
    if (!address) break;
    origin.address = address->text();
    if (!trust.includes(*address)) break;
  }
  const std::string_view scheme = is_forwarded ? parameter_of(chain.back(), "proto")
                                               : split(headers.find("X-Forwarded-Proto").value_or(""), ',').back();
  if (!scheme.empty()) origin.is_secure = equal_without_case(scheme, "https");
  return origin;
}

}  // namespace moenet::http
