// The data of links of kind gre and ip6gre in rtnetlink messages (linux/if_tunnel.h, IFLA_GRE_*; ipgre_netlink_parms()
// in net/ipv4/ip_gre.c, ip6gre_netlink_parms() in net/ipv6/ip6_gre.c). Pure.
#pragma once

#include <optional>
#include <string_view>

#include "base/gre.h"
#include "net/netlink_attributes.h"

namespace moenet::net {

// IFLA_INFO_KIND of a link with this header. REQUIRES: a remote.
std::string_view gre_kind(const GreHeader& header);

// Puts all that the kernel takes, because what is left out becomes 0 when a link is changed: the header, the inner TOS
// copied, path MTU discovery, no limit of encapsulations (ip6gre's own takes 8 bytes of each packet), no underlying
// link, no mark, no FOU. REQUIRES: a remote.
void put_gre(nlmsghdr* message, const GreHeader& header);

// Of IFLA_INFO_DATA. Absent: of another kind, or such as no change makes one of ours: it leads to nobody in particular,
// takes its header from routes ("external"), or lets packets be fragmented that forbid it ("ignore-df").
std::optional<GreHeader> decode_gre(std::string_view kind, ByteView data);

}  // namespace moenet::net
