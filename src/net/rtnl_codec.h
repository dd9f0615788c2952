// rtnetlink messages of links and addresses to and from values (rtnetlink(7), linux/if_link.h, linux/if_addr.h). Pure:
// no socket.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "net/link.h"

namespace moenet::net {

// One or more whole messages, each NLMSG_ALIGNed, without sequence numbers: NetlinkSocket sets those.
using NetlinkBytes = std::vector<std::uint8_t>;

// What goes first, the links' or the addresses' dump; without statistics, which would make up most of each answer.
NetlinkBytes encode_link_dump();
NetlinkBytes encode_address_dump();
NetlinkBytes encode_link_query(std::string_view name);

// The link is made with the index `index`, so that a message right behind can speak of just this link and of no other,
// even when this one is refused.
NetlinkBytes encode_create_link(int index, std::string_view name, std::string_view kind,
                                const std::optional<GreHeader>& gre = std::nullopt);
NetlinkBytes encode_delete_link(int index);

NetlinkBytes encode_set_alias(int index, std::string_view alias);
NetlinkBytes encode_set_gre(int index, const GreHeader& gre);
NetlinkBytes encode_set_mtu(int index, std::uint32_t mtu_bytes);
NetlinkBytes encode_set_no_generated_address(int index);
NetlinkBytes encode_set_up(int index, bool up);
NetlinkBytes encode_add_address(int index, const LinkAddress& address);
NetlinkBytes encode_remove_address(int index, const LinkAddress& address);

// RTM_NEWLINK, without addresses. Nullopt for a message of another type. Errors: internal, when the bytes make no
// sense.
Result<std::optional<Link>> decode_link(std::span<const std::uint8_t> message);
// RTM_NEWADDR: link index and address.
Result<std::optional<std::pair<int, LinkAddress>>> decode_address(std::span<const std::uint8_t> message);

}  // namespace moenet::net
