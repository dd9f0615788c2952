// Network interfaces and their addresses by rtnetlink (rtnetlink(7), linux/if_link.h, linux/if_addr.h): the table of
// what there is, and the few changes the agent makes. It knows nothing of sessions; whose link it is stands in `alias`.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/clock.h"
#include "base/gre.h"
#include "base/ip.h"
#include "base/result.h"
#include "net/netlink.h"

namespace moenet::net {

struct LinkAddress {
  IpPrefix local;
  std::optional<IpAddress> peer;  // of a point-to-point address
  // Read only: it bears the number that every address of ours gets (IFA_PROTO, kernel 5.18 and later; older ones forget
  // it). Two addresses are equal whatever it says.
  bool is_ours = false;

  friend auto operator<=>(const LinkAddress& a, const LinkAddress& b) {
    return std::tie(a.local, a.peer) <=> std::tie(b.local, b.peer);
  }
  friend bool operator==(const LinkAddress& a, const LinkAddress& b) { return a.local == b.local && a.peer == b.peer; }
};

struct Link {
  int index = 0;
  std::string name;
  std::string kind;              // IFLA_INFO_KIND: "wireguard", "tun", "gre"; empty for hardware and loopback
  std::string alias;             // IFLA_IFALIAS; empty when unset
  std::optional<GreHeader> gre;  // of kinds "gre" and "ip6gre", with a remote; absent of one that is unlike any of ours
  std::uint32_t mtu_bytes = 0;
  bool up = false;                     // IFF_UP, the administrative state
  bool running = false;                // IFF_RUNNING: a tun whose daemon died is not
  std::vector<LinkAddress> addresses;  // sorted

  friend bool operator==(const Link&, const Link&) = default;
};

// All links with all their addresses, in two dumps. Statistics of protocol families are left out
// (RTEXT_FILTER_SKIP_STATS).
Result<std::vector<Link>> list_links(NetlinkSocket& socket, Deadline deadline);

// What to change on a link; absent fields stay as they are. One netlink batch, whose order is: alias, GRE header, mtu,
// addrgenmode, up, added addresses, removed ones, so that a link which changes its address is never without one; only
// an address that is removed and added with another length or peer goes before it comes. Adding an address that is
// there and removing one that is not are no errors. A failing step does not keep the later ones from being tried; the
// first error is returned, with the errno, the step and the link ("add address 172.22.188.2/32 to dn42_7: …").
struct LinkChange {
  std::optional<std::string> alias;
  std::optional<GreHeader> gre;  // all of it, with a remote. The kernel moves the MTU with the key's 4 bytes
  std::optional<std::uint32_t> mtu_bytes;
  bool no_generated_address =
      false;  // IN6_ADDR_GEN_MODE_NONE: a tun would get a random fe80:: of its own, which Babel may pick
  std::vector<LinkAddress> remove_addresses;
  std::vector<LinkAddress> add_addresses;  // IPv6 with IFA_F_NODAD: usable at once
  std::optional<bool> up;
};
Result<void> change_link(NetlinkSocket& socket, int index, std::string_view name, const LinkChange& change,
                         Deadline deadline);

// A link to be made, with the mark of its owner.
struct NewLink {
  std::string name;
  std::string alias;
  std::optional<GreHeader> gre = std::nullopt;  // of kinds "gre" and "ip6gre", with a remote
};
// Creates links of a kind ("wireguard", "dummy", "ifb", "gre"); result i is the index of link i. The
// kernel ignores an alias in the creating request (rtnl_create_link() in net/core/rtnetlink.c), so creation and mark go
// out in one send(): the kernel carries out both before it returns, and no kill can leave a link without its owner's
// mark. Errors: conflict (name taken: that link is not touched; or a GRE link has this remote and key), invalid (kind
// not in this kernel: EOPNOTSUPP), denied.
std::vector<Result<int>> create_links(NetlinkSocket& socket, std::string_view kind, const std::vector<NewLink>& links,
                                      Deadline deadline);
Result<int> create_link(NetlinkSocket& socket, std::string_view name, std::string_view kind, std::string_view alias,
                        Deadline deadline, const std::optional<GreHeader>& gre = std::nullopt);

// Errors: not_found when it is gone already.
Result<void> delete_link(NetlinkSocket& socket, int index, std::string_view name, Deadline deadline);

// One link by name, without its addresses; or only its index. Errors: not_found.
Result<Link> find_link(NetlinkSocket& socket, std::string_view name, Deadline deadline);
Result<int> index_of(NetlinkSocket& socket, std::string_view name, Deadline deadline);

}  // namespace moenet::net
