// The whole program runs in its own namespaces: nothing that a test does is seen outside, and nothing outside disturbs
// it.
#include "net/namespaces.h"

namespace moenet::net::testing {
namespace {

const auto* const kEnvironment = ::testing::AddGlobalTestEnvironment(new OwnNamespaces);

TEST(Namespaces, HoldNothingButLoopback) {
  Namespaces other;
  other.run([] {
    auto socket = NetlinkSocket::open(NetlinkFamily::route).value();
    const auto links = list_links(socket, soon()).value();
    ASSERT_EQ(links.size(), 1U);
    EXPECT_EQ(links[0].name, "lo");
    EXPECT_TRUE(links[0].up);
  });
}

}  // namespace
}  // namespace moenet::net::testing
