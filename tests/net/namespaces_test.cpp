// The whole program runs in its own namespaces: nothing that a test does is seen outside, and nothing outside disturbs
// it.
#include "net/namespaces.h"

#include "net/icmp_far_end.h"

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

// Of the machine, of another program, or made by hand: whose it is does not matter.
TEST(Namespaces, WhatChangesANetworkRefusesOneThatItDidNotMake) {
  std::thread([] {
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
    EXPECT_THROW(require_made_network(), std::runtime_error);
    EXPECT_THROW(run_program({"true"}), std::runtime_error);
    EXPECT_THROW(write_sysctl("/proc/sys/net/ipv4/ping_group_range", "0 0"), std::runtime_error);
    EXPECT_THROW(make_sysctls_writable(), std::runtime_error);
    EXPECT_THROW(IcmpFarEnd([](const SeenEcho&) -> Doings { return {}; }), std::runtime_error);
    std::string range;
    std::ifstream("/proc/sys/net/ipv4/ping_group_range") >> range;
    EXPECT_EQ(range, "1") << "as the kernel makes it";
  }).join();
  EXPECT_NO_THROW(require_made_network());
  EXPECT_EQ(run_program({"true"}), 0);
}

}  // namespace
}  // namespace moenet::net::testing
