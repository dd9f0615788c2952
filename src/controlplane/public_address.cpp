#include "controlplane/public_address.h"

#include <algorithm>
#include <vector>

namespace moenet::controlplane {

namespace {

std::vector<IpPrefix> parsed(std::initializer_list<const char*> texts) {
  std::vector<IpPrefix> prefixes;
  for (const char* text : texts) prefixes.push_back(IpPrefix::parse(text).value());
  return prefixes;
}

}  // namespace

bool is_public_address(const IpAddress& address) {
  // IANA IPv4 and IPv6 Special-Purpose Address Registries, and multicast. In IPv6 only 2000::/3 is given out.
  static const std::vector<IpPrefix> kNot =
      parsed({"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
              "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
              "203.0.113.0/24", "224.0.0.0/3", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"});
  static const IpPrefix kGlobal = IpPrefix::parse("2000::/3").value();
  if (address.is_v6() && !kGlobal.contains(address)) return false;
  return std::ranges::none_of(kNot, [&](const IpPrefix& prefix) { return prefix.contains(address); });
}

}  // namespace moenet::controlplane
