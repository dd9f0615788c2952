#include "net/host_facts.h"

#include <gtest/gtest.h>

#include "net/namespaces.h"

namespace moenet::net {
namespace {

TEST(HostFacts, SumsTheTrafficOfAllLinksButLoopback) {
  EXPECT_EQ(parse_traffic("Inter-|   Receive                                                |  Transmit\n"
                          " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs "
                          "drop fifo colls carrier "
                          "compressed\n"
                          "    lo:  111       1    0    0    0     0          0         0      111       1    0    0   "
                          " 0     0       0          0\n"
                          "  eth0: 1000       9    0    0    0     0          0         0     2000       9    0    0   "
                          " 0     0       0          0\n"
                          "dn42_1:18446744073709551000 9 0 0 0 0 0 0 7 0 0 0 0 0 0 0\n"),
            (Traffic{18446744073709551000ULL + 1000ULL, 2007}));
  EXPECT_EQ(parse_traffic("eth0: 1 2\n\n::\n"), Traffic{});
  EXPECT_EQ(parse_traffic(""), Traffic{});
}

TEST(HostFacts, ReadsTheNumbersOfProc) {
  EXPECT_EQ(parse_load_average("0.98 0.27 0.09 1/161 8656\n"), "0.98 0.27 0.09");
  EXPECT_EQ(parse_load_average("0.98\n"), "");
  EXPECT_EQ(parse_uptime("1460.53 2870.11\n"), std::chrono::seconds(1460));
  EXPECT_EQ(parse_uptime(""), std::chrono::seconds(0));
  const char* sockstat =
      "sockets: used 120\nTCP: inuse 5 orphan 0 tw 0 alloc 7 mem 1\nUDP: inuse 3 mem 0\nUDPLITE: inuse 9\n";
  EXPECT_EQ(parse_sockets_in_use(sockstat, "TCP"), 5U);
  EXPECT_EQ(parse_sockets_in_use(sockstat, "UDP"), 3U);
  EXPECT_EQ(parse_sockets_in_use(sockstat, "TCP6"), 0U);
}

TEST(HostFacts, KnowsWhatEverybodyCanReach) {
  for (const char* text : {"1.1.1.1", "172.32.0.1", "100.128.0.1", "198.20.0.1", "2606:4700::1", "2a00::1"}) {
    EXPECT_TRUE(is_public(IpAddress::parse(text).value())) << text;
  }
  for (const char* text :
       {"0.0.0.0",         "10.1.2.3",    "100.64.0.1", "127.0.0.1",    "169.254.1.1",      "172.20.0.53",
        "172.22.188.1",    "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1",      "224.0.0.1",
        "255.255.255.255", "::",          "::1",        "fe80::1",      "fd42:d42:d42::53", "2001:db8::1",
        "2002::1",         "ff02::1",     "64:ff9b::1"}) {
    EXPECT_FALSE(is_public(IpAddress::parse(text).value())) << text;
  }
}

TEST(HostFacts, AreReadFromThisMachine) {
  auto socket = NetlinkSocket::open(NetlinkFamily::route).value();
  const int index = create_link(socket, "uplink", "ifb", "", testing::soon()).value();
  LinkChange change;
  change.add_addresses = {{IpPrefix::parse("192.168.0.1/24").value(), std::nullopt},
                          {IpPrefix::parse("1.2.3.4/24").value(), std::nullopt},
                          {IpPrefix::parse("2a00::1/64").value(), std::nullopt}};
  ASSERT_TRUE(change_link(socket, index, "uplink", change, testing::soon()));
  EXPECT_FALSE(read_host_facts(testing::soon()).public_ipv4) << "the link is down";
  change.up = true;
  ASSERT_TRUE(change_link(socket, index, "uplink", change, testing::soon()));
  const HostFacts facts = read_host_facts(testing::soon());
  EXPECT_FALSE(facts.kernel_release.empty());
  EXPECT_FALSE(facts.load_average.empty());
  EXPECT_GT(facts.uptime.count(), 0);
  EXPECT_EQ(facts.public_ipv4, IpAddress::parse("1.2.3.4").value());
  EXPECT_EQ(facts.public_ipv6, IpAddress::parse("2a00::1").value());
  ASSERT_TRUE(delete_link(socket, index, "uplink", testing::soon()));
}

}  // namespace
}  // namespace moenet::net
