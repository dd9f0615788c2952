// Links of kind dummy, which bear a node's loopback addresses, on a kernel that has them.
#include <algorithm>

#include <gtest/gtest.h>

#include "net/link.h"
#include "net/namespaces.h"

namespace moenet::net {
namespace {

using testing::soon;

LinkAddress address(std::string_view text) { return {IpPrefix::parse(text).value(), std::nullopt}; }

TEST(Dummy, BearsTheAddressesOfANode) {
  auto socket = NetlinkSocket::open(NetlinkFamily::route).value();
  const int index = create_link(socket, "moenet0", "dummy", "moenet test", soon()).value();
  LinkChange change;
  change.add_addresses = {address("172.22.188.2/32"), address("fd42:4242:7777::2/128")};
  change.up = true;
  ASSERT_TRUE(change_link(socket, index, "moenet0", change, soon()));
  const auto links = list_links(socket, soon()).value();
  const auto link = std::ranges::find(links, index, &Link::index);
  ASSERT_NE(link, links.end());
  EXPECT_EQ(link->kind, "dummy");
  EXPECT_EQ(link->alias, "moenet test");
  EXPECT_TRUE(link->up);
  for (const char* own : {"172.22.188.2/32", "fd42:4242:7777::2/128"}) {
    EXPECT_NE(std::ranges::find(link->addresses, address(own)), link->addresses.end()) << own;
  }
  EXPECT_TRUE(delete_link(socket, index, "moenet0", soon()));
}

}  // namespace
}  // namespace moenet::net
