#include "controlplane/loopbacks.h"

#include <string_view>

#include <fmt/format.h>

#include "controlplane/addressing.h"

namespace moenet::controlplane {

namespace {

struct Family {
  std::string_view member;   // of a node
  std::string_view setting;  // its prefix
  std::string Node::* own;
  std::string Settings::* prefix;
  std::optional<IpAddress> (*loopback)(const Settings&, const Node&);
};

constexpr Family kFamilies[] = {
    {"loopbackIpv4", "ipv4Prefix", &Node::loopback_ipv4, &Settings::ipv4_prefix, &loopback_ipv4},
    {"loopbackIpv6", "ipv6Prefix", &Node::loopback_ipv6, &Settings::ipv6_prefix, &loopback_ipv6},
};

// Are all bits behind the prefix's length set? For IPv4 that is the broadcast address.
bool is_last_of(const IpPrefix& prefix, const IpAddress& address) {
  const std::string_view bytes = address.bytes();
  for (unsigned bit = prefix.length; bit < address.bits(); ++bit) {
    if ((static_cast<unsigned char>(bytes[bit / 8]) & (0x80u >> bit % 8)) == 0) return false;
  }
  return true;
}

// What is wrong with an address that the operator chose; empty when nothing is.
std::string fault_of(const Settings& settings, const Family& family, const IpAddress& address) {
  const std::string& text = settings.*family.prefix;
  const auto prefix = IpPrefix::parse(text);
  if (!prefix || !prefix->contains(address)) return fmt::format("{} is outside {}", address.text(), text);
  if (address == prefix->address) return fmt::format("{} is the address of {} itself", address.text(), text);
  if (address.is_v4() && is_last_of(*prefix, address)) {
    return fmt::format("{} is the broadcast address of {}", address.text(), text);
  }
  return {};
}

Checked<void> check_family(const Settings& settings, const Family& family, const Node& node,
                           std::span<const Node> nodes) {
  const auto loopback = family.loopback(settings, node);
  if (!loopback) {
    return refuse(Errc::invalid,
                  fmt::format("{} has no room for node {}: widen {}, or give the node an address of its own",
                              settings.*family.prefix, node.id, family.setting),
                  std::string(family.member));
  }
  if (!(node.*family.own).empty()) {
    if (std::string fault = fault_of(settings, family, *loopback); !fault.empty()) {
      return refuse(Errc::invalid, std::move(fault), std::string(family.member));
    }
  }
  for (const Node& other : nodes) {
    if (other.id == node.id || family.loopback(settings, other) != loopback) continue;
    return refuse(Errc::conflict, fmt::format("{} is that of {}", loopback->text(), other.name),
                  std::string(family.member));
  }
  return {};
}

}  // namespace

Checked<void> check_loopbacks(const Settings& settings, const Node& node, std::span<const Node> nodes) {
  for (const Family& family : kFamilies) {
    if (auto checked = check_family(settings, family, node, nodes); !checked) return checked;
  }
  return {};
}

Checked<void> check_prefixes(const Settings& settings, std::span<const Node> nodes) {
  for (const Family& family : kFamilies) {
    for (const Node& node : nodes) {
      const auto checked = check_family(settings, family, node, nodes);
      if (checked) continue;
      return refuse(checked.error().error.code, fmt::format("{}: {}", node.name, checked.error().error.what),
                    std::string(family.setting));
    }
  }
  return {};
}

}  // namespace moenet::controlplane
