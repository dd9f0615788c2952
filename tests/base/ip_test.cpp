#include "base/ip.h"

#include <arpa/inet.h>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace moenet {
namespace {

struct TextCase {
  std::string_view given;
  std::string_view printed;  // empty: refused
};

TEST(IpAddress, PrintsTheRfc5952FormOfWhatItReads) {
  for (const TextCase& c : std::vector<TextCase>{
           {"192.0.2.1", "192.0.2.1"},
           {"0.0.0.0", "0.0.0.0"},
           {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
           {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
           {"fe80::0998:0101:0001:1", "fe80::998:101:1:1"},
           {"::", "::"},
           {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
           {"", ""},
           {"192.0.2", ""},
           {"192.0.2.256", ""},
           {"192.0.2.01", ""},
           {" 192.0.2.1", ""},
           {"192.0.2.1 ", ""},
           {"192.0.2.1/32", ""},
           {"fe80::1%eth0", ""},
           {"[fe80::1]", ""},
           {"fe80:::1", ""},
           {"1:2:3:4:5:6:7:8:9", ""},
           {std::string_view("192.0.2.1\0", 10), ""},
           {"::ffff:192.0.2.1::ffff:192.0.2.1::ffff:192.0.2.1", ""},
       }) {
    const auto address = IpAddress::parse(c.given);
    EXPECT_EQ(address.has_value(), !c.printed.empty()) << c.given;
    if (address) {
      EXPECT_EQ(address->text(), c.printed);
    }
    if (!address) {
      EXPECT_EQ(address.error().code, Errc::invalid);
    }
  }
}

RC_GTEST_PROP(IpAddress, ReadsWhatItPrints, (std::array<std::uint8_t, 16> bytes, bool is_v4)) {
  const IpAddress address = is_v4 ? IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]}) : IpAddress::v6(bytes);
  RC_ASSERT(*IpAddress::parse(address.text()) == address);
}

TEST(IpAddress, KnowsItsKind) {
  struct Kind {
    std::string_view text;
    std::string_view flags;  // L link-local, U unspecified, O loopback, M multicast, P unique local
  };
  for (const Kind& c : std::vector<Kind>{{"169.254.1.1", "L"},
                                         {"169.253.1.1", ""},
                                         {"fe80::1", "L"},
                                         {"febf::1", "L"},
                                         {"fec0::1", ""},
                                         {"0.0.0.0", "U"},
                                         {"::", "U"},
                                         {"127.9.9.9", "O"},
                                         {"::1", "O"},
                                         {"224.0.0.1", "M"},
                                         {"239.1.1.1", "M"},
                                         {"240.0.0.1", ""},
                                         {"ff02::1", "M"},
                                         {"fd00::1", "P"},
                                         {"fc00::1", "P"},
                                         {"fe00::1", ""}}) {
    const IpAddress address = *IpAddress::parse(c.text);
    std::string flags;
    if (address.is_link_local()) flags += 'L';
    if (address.is_unspecified()) flags += 'U';
    if (address.is_loopback()) flags += 'O';
    if (address.is_multicast()) flags += 'M';
    if (address.is_unique_local()) flags += 'P';
    EXPECT_EQ(flags, c.flags) << c.text;
  }
}

TEST(IpPrefix, KeepsHostBitsAndGivesABareAddressItsFullLength) {
  for (const TextCase& c : std::vector<TextCase>{{"172.22.188.1/26", "172.22.188.1/26"},
                                                 {"172.22.188.1", "172.22.188.1/32"},
                                                 {"fd00::1", "fd00::1/128"},
                                                 {"fe80::1/64", "fe80::1/64"},
                                                 {"0.0.0.0/0", "0.0.0.0/0"},
                                                 {"10.0.0.0/33", ""},
                                                 {"fd00::/129", ""},
                                                 {"10.0.0.0/", ""},
                                                 {"10.0.0.0/08", ""},
                                                 {"10.0.0.0/+8", ""},
                                                 {"10.0.0.0/8/8", ""},
                                                 {"/8", ""}}) {
    const auto prefix = IpPrefix::parse(c.given);
    EXPECT_EQ(prefix.has_value(), !c.printed.empty()) << c.given;
    if (prefix) {
      EXPECT_EQ(prefix->text(), c.printed);
    }
  }
}

TEST(IpPrefix, ContainsByItsLengthAndFamilyOnly) {
  const IpPrefix node = *IpPrefix::parse("172.22.188.1/26");
  EXPECT_TRUE(node.contains(*IpAddress::parse("172.22.188.63")));
  EXPECT_FALSE(node.contains(*IpAddress::parse("172.22.188.64")));
  EXPECT_FALSE(node.contains(*IpAddress::parse("fd00::1")));
  EXPECT_TRUE(IpPrefix::parse("::/0")->contains(*IpAddress::parse("fd00::1")));
  EXPECT_FALSE(IpPrefix::parse("fd00::1/128")->contains(*IpAddress::parse("fd00::2")));
}

TEST(Endpoint, BracketsIpv6Only) {
  EXPECT_EQ((Endpoint{*IpAddress::parse("192.0.2.1"), 51820}).text(), "192.0.2.1:51820");
  EXPECT_EQ((Endpoint{*IpAddress::parse("2001:db8::1"), 51820}).text(), "[2001:db8::1]:51820");
}

TEST(HostPort, ReadsEveryFormThatIsSeenInTheField) {
  for (const TextCase& c : std::vector<TextCase>{
           {"node.example.net:51820", "node.example.net:51820"},
           {"192.0.2.1:51820", "192.0.2.1:51820"},
           {"[2001:db8::1]:51820", "[2001:db8::1]:51820"},
           {"2001:db8::1:51820", "[2001:db8::1]:51820"},
           {"2001:db8:0:0:0:0:0:1:51820", "[2001:db8::1]:51820"},
           {"my-node:1", "my-node:1"},
           {"node.example.net", ""},
           {"[2001:db8::1]", ""},
           {"2001:db8::", ""},
           {"[192.0.2.1]:1", ""},
           {"[2001:db8::1", ""},
           {"[2001:db8::1]51820", ""},
           {"[fe80::1%eth0]:1", ""},
           {"node:", ""},
           {"node:65536", ""},
           {"node:+1", ""},
           {"node:1 ", ""},
           {":51820", ""},
           {"", ""},
           {"-node:1", ""},
           {"node-:1", ""},
           {"no_de:1", ""},
           {"a..b:1", ""},
           {"1.2.3:1", ""},
           {"192.0.2.256:1", ""},
           {"0x7f000001:1", ""},
           {"no de:1", ""},
           {"node\n:1", ""},
           {"node;rm:1", ""},
       }) {
    const auto endpoint = HostPort::parse(c.given);
    EXPECT_EQ(endpoint.has_value(), !c.printed.empty()) << c.given;
    if (endpoint) {
      EXPECT_EQ(endpoint->text(), c.printed);
    }
  }
}

TEST(HostPort, UsesTheDefaultPortOnlyWhereNoneIsGiven) {
  for (const TextCase& c : std::vector<TextCase>{{"node", "node:7"},
                                                 {"node:8", "node:8"},
                                                 {"[fd00::1]", "[fd00::1]:7"},
                                                 {"fd00::", "[fd00::]:7"},
                                                 {"fd00::abcd", "[fd00::abcd]:7"},
                                                 {"1:2:3:4:5:6:7:8", "[1:2:3:4:5:6:7:8]:7"},
                                                 {"fd00::1:8", "[fd00::1]:8"},
                                                 {"192.0.2.1", "192.0.2.1:7"}}) {
    const auto endpoint = HostPort::parse(c.given, 7);
    ASSERT_TRUE(endpoint.has_value()) << c.given;
    EXPECT_EQ(endpoint->text(), c.printed);
  }
}

TEST(IpPrefix, TellsANetworkFromAnAddressInOne) {
  for (const char* network : {"172.22.188.0/26", "172.22.188.64/26", "0.0.0.0/0", "10.0.0.1/32", "fd00::/8", "fd00::1"})
    EXPECT_FALSE(IpPrefix::parse(network)->has_host_bits()) << network;
  for (const char* address : {"172.22.188.1/26", "172.22.188.32/26", "128.0.0.0/0", "fd00::1/127", "fd80::/8"})
    EXPECT_TRUE(IpPrefix::parse(address)->has_host_bits()) << address;
}

TEST(HostPort, WithoutAPortPrintsItsHostAlone) {
  for (const char* text : {"192.0.2.1", "peer.example", "[2001:db8::1:5]"}) {
    const auto endpoint = HostPort::parse(text, 0);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(endpoint->port, 0);
    EXPECT_EQ(endpoint->text(), text);
  }
}

TEST(HostPort, RefusesNamesOverTheLimitsOfDns) {
  EXPECT_TRUE(HostPort::parse(std::string(63, 'a') + ":1"));
  EXPECT_FALSE(HostPort::parse(std::string(64, 'a') + ":1"));
  std::string longest;
  for (int i = 0; i < 126; ++i) longest += "a.";
  EXPECT_TRUE(HostPort::parse(longest + "a:1"));    // 253 characters
  EXPECT_FALSE(HostPort::parse(longest + "aa:1"));  // 254
}

TEST(HostPort, HasAnAddressOnlyWhenItsHostIsOne) {
  EXPECT_EQ(HostPort::parse("[fd00::1]:1")->address(), *IpAddress::parse("fd00::1"));
  EXPECT_EQ(HostPort::parse("node:1")->address(), std::nullopt);
}

TEST(HostPort, NeverPutsHostileTextRawIntoItsError) {
  const auto endpoint = HostPort::parse("a\nb\"c:1");
  ASSERT_FALSE(endpoint);
  EXPECT_EQ(endpoint.error().what.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace moenet
