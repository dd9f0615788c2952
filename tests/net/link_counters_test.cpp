#include "net/link_counters.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "base/fd.h"
#include "net/namespaces.h"
#include "net/wg_arbitrary.h"

namespace moenet::net {
namespace {

using testing::soon;

// An RTM_NEWLINK with an IFLA_STATS64 of `counters`.
NetlinkBytes link_with(const std::vector<std::uint64_t>& counters) {
  NetlinkBytes message = encode_create_link(7, "dn42_1", "wireguard");
  const nlattr header{static_cast<std::uint16_t>(sizeof(nlattr) + counters.size() * 8), IFLA_STATS64};
  const auto append = [&](const void* bytes, std::size_t size) {
    const auto* begin = static_cast<const std::uint8_t*>(bytes);
    message.insert(message.end(), begin, begin + size);
  };
  append(&header, sizeof header);
  append(counters.data(), counters.size() * 8);
  const auto size = static_cast<std::uint32_t>(message.size());
  std::memcpy(message.data(), &size, sizeof size);
  return message;
}

TEST(LinkCounters, ReadsTheBeginningOfWhateverLengthTheKernelHas) {
  for (const std::size_t length : {8u, 23u, 25u, 40u}) {
    std::vector<std::uint64_t> counters(length);
    for (std::size_t i = 0; i < length; ++i) counters[i] = i + 1;
    const auto link = decode_counted_link(link_with(counters)).value().value();
    EXPECT_EQ(link.link.name, "dn42_1");
    EXPECT_EQ(link.statistics, (LinkStatistics{1, 2, 3, 4, 5, 6, 7, 8})) << length;
  }
}

TEST(LinkCounters, AreAbsentWhereTheKernelTellsNone) {
  EXPECT_FALSE(decode_counted_link(link_with({1, 2, 3})).value().value().statistics);
  EXPECT_FALSE(decode_counted_link(encode_create_link(7, "dn42_1", "ifb")).value().value().statistics);
  EXPECT_EQ(decode_counted_link(encode_link_dump()).value(), std::nullopt);
}

RC_GTEST_PROP(LinkCountersProperty, AnyBytesAreReadOrRefused, (std::vector<std::uint8_t> bytes)) {
  nlmsghdr header{};
  header.nlmsg_type = RTM_NEWLINK;
  header.nlmsg_len = static_cast<std::uint32_t>(sizeof header + bytes.size());
  NetlinkBytes message(sizeof header);
  std::memcpy(message.data(), &header, sizeof header);
  message.insert(message.end(), bytes.begin(), bytes.end());
  (void)decode_counted_link(message);
}

TEST(LinkCounters, TheKernelCountsWhatPassesALink) {
  auto socket = NetlinkSocket::open(NetlinkFamily::route).value();
  const auto look = [&] {
    const auto links = count_links(socket, soon()).value();
    EXPECT_TRUE(std::ranges::is_sorted(links, {}, [](const CountedLink& link) { return link.link.name; }));
    return *std::ranges::find(links, "lo", [](const CountedLink& link) { return link.link.name; });
  };
  const LinkStatistics before = look().statistics.value();
  const UniqueFd sender(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in target{};
  target.sin_family = AF_INET;
  target.sin_port = htons(9);
  target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const std::array<char, 1000> datagram{};
  ASSERT_EQ(
      ::sendto(sender.get(), datagram.data(), datagram.size(), 0, reinterpret_cast<sockaddr*>(&target), sizeof target),
      1000);
  const LinkStatistics after = look().statistics.value();
  EXPECT_GE(after.tx_packets, before.tx_packets + 1);
  EXPECT_GE(after.rx_bytes, before.rx_bytes + 1028) << "with the heads of IP and UDP";
  EXPECT_TRUE(look().link.up);
}

}  // namespace
}  // namespace moenet::net
