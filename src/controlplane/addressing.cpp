#include "controlplane/addressing.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

namespace moenet::controlplane {

namespace {

// DN42 has no community for the whole of Europe's parts: they share one.
constexpr std::array<Region, 15> kRegions = {{
    {101, "AS-E", "AS", "LC_REGION_AS_E", "DN42_REGION_AS_E"},
    {102, "AS-SE", "AS", "LC_REGION_AS_SE", "DN42_REGION_AS_SE"},
    {103, "AS-S", "AS", "LC_REGION_AS_S", "DN42_REGION_AS_S"},
    {104, "AS-N", "AS", "LC_REGION_AS_N", "DN42_REGION_AS_N"},
    {201, "NA-E", "NA", "LC_REGION_NA_E", "DN42_REGION_NA_E"},
    {202, "NA-C", "NA", "LC_REGION_NA_C", "DN42_REGION_NA_C"},
    {203, "NA-W", "NA", "LC_REGION_NA_W", "DN42_REGION_NA_W"},
    {204, "CA", "NA", "LC_REGION_CA", "DN42_REGION_CA"},
    {205, "SA", "NA", "LC_REGION_SA", "DN42_REGION_SA"},
    {301, "EU-W", "EU", "LC_REGION_EU_W", "DN42_REGION_EU"},
    {302, "EU-C", "EU", "LC_REGION_EU_C", "DN42_REGION_EU"},
    {303, "EU-E", "EU", "LC_REGION_EU_E", "DN42_REGION_EU"},
    {401, "OC", "OC", "LC_REGION_OC", "DN42_REGION_OC"},
    {501, "AF", "AF", "LC_REGION_AF", "DN42_REGION_AF"},
    {502, "ME", "AF", "LC_REGION_ME", "DN42_REGION_ME"},
}};

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

std::span<const Region> regions() { return kRegions; }

const Region* find_region(std::string_view code_or_name) {
  const auto found = std::ranges::find_if(kRegions, [&](const Region& region) {
    return equal_without_case(region.name, code_or_name) || std::to_string(region.code) == code_or_name;
  });
  return found == kRegions.end() ? nullptr : &*found;
}

const Region* find_region(int code) {
  const auto found = std::ranges::find(kRegions, code, &Region::code);
  return found == kRegions.end() ? nullptr : &*found;
}

std::optional<IpAddress> loopback_ipv4(const Settings& settings, const Node& node) {
  const auto prefix = IpPrefix::parse(settings.ipv4_prefix);
  if (!prefix || !prefix->address.is_v4()) return std::nullopt;
  std::array<std::uint8_t, 4> bytes{};
  std::ranges::copy(prefix->address.bytes(), bytes.begin());
  const unsigned last = bytes[3] + static_cast<unsigned>(node.id);
  if (last > 255) return std::nullopt;
  bytes[3] = static_cast<std::uint8_t>(last);
  const IpAddress address = IpAddress::v4(bytes);
  return prefix->contains(address) ? std::optional(address) : std::nullopt;
}

std::optional<IpAddress> loopback_ipv6(const Settings& settings, const Node& node) {
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
