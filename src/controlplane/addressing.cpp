#include "controlplane/addressing.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

namespace moenet::controlplane {

namespace {

bool equal_without_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

// The decimal digits of a number read as hexadecimal: 101 is the hextet 0x0101.
unsigned digits_as_hextet(int number) {
  unsigned hextet = 0;
  for (const char digit : std::to_string(number)) hextet = hextet * 16 + static_cast<unsigned>(digit - '0');
  return hextet;
}

void put_hextet(std::array<std::uint8_t, 16>& bytes, std::size_t index, unsigned hextet) {
  bytes[2 * index] = static_cast<std::uint8_t>(hextet >> 8);
  bytes[2 * index + 1] = static_cast<std::uint8_t>(hextet & 0xff);
}

}  // namespace

const Region* find_region(std::string_view code_or_name) {
  const auto found = std::ranges::find_if(model::regions(), [&](const Region& region) {
    return equal_without_case(region.name, code_or_name) || std::to_string(region.code) == code_or_name;
  });
  return found == model::regions().end() ? nullptr : &*found;
}

std::optional<IpAddress> loopback_ipv4(const Settings& settings, const Node& node) {
  if (const auto own = IpAddress::parse(node.loopback_ipv4)) return *own;
  const auto prefix = IpPrefix::parse(settings.ipv4_prefix);
  if (!prefix || !prefix->address.is_v4()) return std::nullopt;
  // The prefix's last address is its broadcast address, which is nobody's.
  const std::uint64_t size = std::uint64_t{1} << (32 - prefix->length);
  const auto id = static_cast<std::uint64_t>(node.id);
  if (node.id < 1 || id + 1 >= size) return std::nullopt;
  std::uint64_t number = 0;
  for (const char byte : prefix->address.bytes()) number = number << 8 | static_cast<unsigned char>(byte);
  number += id;
  return IpAddress::v4({static_cast<std::uint8_t>(number >> 24), static_cast<std::uint8_t>(number >> 16),
                        static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)});
}

std::optional<IpAddress> loopback_ipv6(const Settings& settings, const Node& node) {
  if (const auto own = IpAddress::parse(node.loopback_ipv6)) return *own;
  const auto prefix = IpPrefix::parse(settings.ipv6_prefix);
  if (!prefix || !prefix->address.is_v6() || prefix->length > 48) return std::nullopt;
  std::array<std::uint8_t, 16> bytes{};
  std::ranges::copy(prefix->address.bytes(), bytes.begin());
  put_hextet(bytes, 3, digits_as_hextet(node.region_code));
  put_hextet(bytes, 4, digits_as_hextet(node.id));
  put_hextet(bytes, 7, 1);
  return IpAddress::v6(bytes);
}

IpAddress link_local(const Settings& settings, const Node& node) {
  std::array<std::uint8_t, 16> bytes{};
  put_hextet(bytes, 0, 0xfe80);
  put_hextet(bytes, 4, digits_as_hextet(static_cast<int>(settings.asn % 1000)));
  put_hextet(bytes, 5, digits_as_hextet(node.region_code));
  put_hextet(bytes, 6, digits_as_hextet(node.id));
  put_hextet(bytes, 7, 1);
  return IpAddress::v6(bytes);
}

model::NodeIdentity identity_of(const Settings& settings, const Node& node) {
  return {node.name, loopback_ipv4(settings, node), loopback_ipv6(settings, node), link_local(settings, node)};
}

std::uint16_t default_listen_port(model::Asn asn) { return static_cast<std::uint16_t>(30'000 + asn % 10'000); }

bool is_mesh_port(std::int64_t port) { return port > kMeshPortBase && port <= kMeshPortBase + kMaxNodeId; }

}  // namespace moenet::controlplane
