#include "net/link_counters.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <libmnl/libmnl.h>

#include "net/netlink_attributes.h"
#include "net/settled_dump.h"

namespace moenet::net {
namespace {

// struct rtnl_link_stats64 has grown twice and will again, so only its beginning, which stays, is asked for.
std::optional<LinkStatistics> statistics_of(ByteView payload) {
  std::array<std::uint64_t, 8> counters{};
  if (payload.size() < sizeof counters) return std::nullopt;
  std::memcpy(counters.data(), payload.data(), sizeof counters);
  return LinkStatistics{counters[0], counters[1], counters[2], counters[3],
                        counters[4], counters[5], counters[6], counters[7]};
}

Result<std::vector<CountedLink>> dump_once(NetlinkSocket& socket, Deadline deadline) {
  std::vector<CountedLink> links;
  Result<void> fault;
  NetlinkBytes dump = encode_link_dump();
  TRY_VOID(socket.request(
      reinterpret_cast<nlmsghdr*>(dump.data()),
      [&](const nlmsghdr* message) {
        auto link = decode_counted_link({reinterpret_cast<const std::uint8_t*>(message), message->nlmsg_len});
        if (!link) fault = std::unexpected(link.error());
        if (link && *link) links.push_back(std::move(**link));
      },
      deadline));
  TRY_VOID(fault);
  std::ranges::sort(links, {}, [](const CountedLink& link) -> const std::string& { return link.link.name; });
  return links;
}

}  // namespace

Result<std::optional<CountedLink>> decode_counted_link(std::span<const std::uint8_t> message) {
  TRY(auto link, decode_link(message));
  if (!link) return std::nullopt;
  CountedLink counted{std::move(*link), std::nullopt};
  nlmsghdr header{};
  ifinfomsg body{};
  ByteView attributes;
  if (!read_message(message, header, body, attributes)) return fail(Errc::internal, "a link message that is cut short");
  each_attribute(attributes, [&](const Attribute& attribute) {
    if (attribute.type == IFLA_STATS64) counted.statistics = statistics_of(attribute.payload);
    return attribute.type != IFLA_STATS64;
  });
  return counted;
}

Result<std::vector<CountedLink>> count_links(NetlinkSocket& socket, Deadline deadline) {
  auto links = settled_dump([&] { return dump_once(socket, deadline); }, deadline);
  if (!links) return std::unexpected(with_context(std::move(links).error(), "count on links"));
  return links;
}

}  // namespace moenet::net
