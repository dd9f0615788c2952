#include "agent/looking_glass.h"

#include <algorithm>

namespace moenet::agent {

std::vector<IpPrefix> LookingGlassSettings::network_prefixes() {
  return {{IpAddress::v4({172, 20, 0, 0}), 14},
          {IpAddress::v4({172, 31, 0, 0}), 16},
          {IpAddress::v4({10, 100, 0, 0}), 14},
          {IpAddress::v4({10, 127, 0, 0}), 16},
          {IpAddress::v6({0xfd}), 8}};
}

bool LookingGlassSettings::offers(Tool tool) const { return enabled && std::ranges::find(tools, tool) != tools.end(); }

bool LookingGlassSettings::may_reach(const IpAddress& address) const {
  if (address.is_loopback() || address.is_link_local() || address.is_multicast() || address.is_unspecified())
    return false;
  // ::ffff:127.0.0.1 is this machine for TCP (RFC 4291 section 2.5.5.2).
  static const IpPrefix kMapped{IpAddress::v6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}), 96};
  if (kMapped.contains(address)) return false;
  return std::ranges::any_of(targets, [&](const IpPrefix& prefix) { return prefix.contains(address); });
}

std::vector<std::string> LookingGlassSettings::offered() const {
  std::vector<std::string> names;
  if (!enabled) return names;
  for (const Tool tool : tools) names.emplace_back(name_of(tool));
  return names;
}

}  // namespace moenet::agent
