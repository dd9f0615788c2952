// Which kinds of link this kernel can make, read from what it says of itself. Nothing is tried: asking rtnetlink for a
// kind loads its module, and dummy, ip_gre and others then put links of their own into the host.
#pragma once

#include <string>
#include <string_view>

namespace moenet::net {

enum class KindSupport {
  present,   // built in, or its module is loaded
  loadable,  // its module lies ready, and the kernel loads it when the first such link is made
  absent,    // neither
  unknown,   // not there now, and no module folder of this kernel is in sight (a container): the host may have it
};

struct LinkKind {
  std::string_view name;      // IFLA_INFO_KIND
  std::string_view module;    // as /proc/modules and its file spell it
  std::string_view function;  // of its code, by which /proc/kallsyms shows that it is there
};
inline constexpr LinkKind kWireGuardKind{"wireguard", "wireguard", "wg_newlink"};
inline constexpr LinkKind kDummyKind{"dummy", "dummy", "dummy_setup"};
inline constexpr LinkKind kIfbKind{"ifb", "ifb", "ifb_setup"};
inline constexpr LinkKind kBridgeKind{"bridge", "bridge", "br_dev_setup"};
inline constexpr LinkKind kGreKind{"gre", "ip_gre", "ipgre_newlink"};
inline constexpr LinkKind kIp6GreKind{"ip6gre", "ip6_gre", "ip6gre_newlink"};

// `root` is / but in tests; `kernel_release` is uname -r. Up to 60 ms where it must read /proc/kallsyms (measured).
KindSupport support_of(const LinkKind& kind, const std::string& kernel_release, const std::string& root = "");

}  // namespace moenet::net
