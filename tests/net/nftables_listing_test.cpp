#include "net/nftables_listing.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace moenet::net {
namespace {

std::string listing(const std::string& entries) { return R"({"nftables":[)" + entries + "]}"; }

std::string set_of(const std::string& name, const std::string& elements) {
  return listing(R"({"set":{"name":")" + name + R"(","elem":[)" + elements + "]}}");
}

TEST(NftablesListing, HandlesTheOrderOfKeysAndOfObjectsMeanNothing) {
  const auto one = decode_table(listing(R"({"metainfo":{"version":"1.0.6"}},{"table":{"name":"t","handle":1}},)"
                                        R"({"chain":{"name":"a","hook":"input","handle":2}},{"chain":{"name":"b"}})"));
  const auto other = decode_table(listing(R"({"chain":{"handle":9,"name":"b"}},{"table":{"handle":7,"name":"t"}},)"
                                          R"({"chain":{"hook":"input","name":"a"}},{"metainfo":{}})"));
  ASSERT_TRUE(one && other);
  EXPECT_EQ(*one, *other);
  EXPECT_NE(one->frame, "");
}

TEST(NftablesListing, TheOrderOfRulesInTheirChainMeansALot) {
  const std::string a = R"({"rule":{"chain":"x","expr":["a"]}})", b = R"({"rule":{"chain":"x","expr":["b"]}})";
  const std::string other = R"({"rule":{"chain":"y","expr":["a"]}})";
  EXPECT_NE(decode_table(listing(a + "," + b))->frame, decode_table(listing(b + "," + a))->frame);
  EXPECT_EQ(decode_table(listing(a + "," + other))->frame, decode_table(listing(other + "," + a))->frame);
  EXPECT_NE(decode_table(listing(a))->frame, decode_table(listing(a + "," + a))->frame);
}

TEST(NftablesListing, ElementsThatWeNeverWriteAreNoElements) {
  EXPECT_EQ(decode_table(set_of("udp_ports", "3,1,2"))->rules.udp_ports, (std::vector<std::uint16_t>{1, 2, 3}));
  EXPECT_EQ(decode_table(set_of("tunnels", R"("b","a")"))->rules.tunnel_interfaces,
            (std::vector<std::string>{"a", "b"}));
  const std::string empty = decode_table(set_of("udp_ports", ""))->frame;
  for (const char* elements :
       {R"(1,{"range":[2,3]})", R"({"elem":{"val":1,"comment":"x"}})", "0", "65536", "-1", "1.5", R"("ssh")", "null"}) {
    const auto table = decode_table(set_of("udp_ports", elements));
    ASSERT_TRUE(table) << elements;
    EXPECT_TRUE(table->rules.udp_ports.empty()) << elements;
    EXPECT_NE(table->frame, empty) << elements;
  }
  EXPECT_TRUE(decode_table(set_of("tunnels", R"("wg*")"))->rules.tunnel_interfaces.empty());
  EXPECT_NE(decode_table(set_of("other", "1"))->frame, decode_table(set_of("other", "2"))->frame);
}

TEST(NftablesListing, WhatIsNoListingIsRefused) {
  for (const char* text : {"", "{", "[]", "{}", R"({"nftables":{}})", R"({"nftables":[1]})",
                           R"({"nftables":[{"a":1}]})", R"({"nftables":[{}]})", R"({"nftables":[{"a":{},"b":{}}]})"}) {
    const auto table = decode_table(text);
    ASSERT_FALSE(table) << text;
    EXPECT_EQ(table.error().code, Errc::invalid);
  }
  EXPECT_FALSE(decode_table(listing(R"({"a":)" + std::string(100, '[') + std::string(100, ']') + "}")));
  EXPECT_FALSE(decode_hostile_chains("{"));
}

TEST(NftablesListing, HostileIsAPolicyOfAnotherTableThatDropsWhatComesIn) {
  const auto chains = decode_hostile_chains(listing(R"(
    {"metainfo":{}},
    {"chain":{"family":"inet","table":"a","name":"jumped"}},
    {"chain":{"family":"inet","table":"a","name":"open","hook":"input","prio":0,"policy":"accept"}},
    {"chain":{"family":"inet","table":"a","name":"out","hook":"output","prio":0,"policy":"drop"}},
    {"chain":{"family":"netdev","table":"a","name":"dev","hook":"input","prio":0,"policy":"drop"}},
    {"chain":{"family":"inet","table":"moenet","name":"input","hook":"input","prio":0,"policy":"drop"}},
    {"chain":{"family":"ip","table":"moenet","name":"in","hook":"input","prio":0,"policy":"drop"}},
    {"chain":{"family":"ip6","table":"filter","name":"FORWARD","hook":"forward","prio":-200,"policy":"drop"}})"));
  ASSERT_TRUE(chains) << chains.error().what;
  EXPECT_EQ(*chains, (std::vector<HostileChain>{{"ip", "moenet", "in", "input", 0},
                                                {"ip6", "filter", "FORWARD", "forward", -200}}));
}

RC_GTEST_PROP(NftablesListingProperty, AListingOfRulesGivesThemBack, (std::vector<std::uint16_t> ports)) {
  FirewallRules rules;
  rules.udp_ports = std::move(ports);
  const auto name =
      rc::gen::resize(15, rc::gen::container<std::string>(rc::gen::elementOf(std::string("ABYZabyz0189_.-"))));
  rules.tunnel_interfaces = *rc::gen::container<std::vector<std::string>>(name);
  std::erase_if(rules.tunnel_interfaces, [](const std::string& text) { return !is_interface_name(text); });
  std::erase(rules.udp_ports, 0);
  std::ranges::sort(rules.udp_ports);
  rules.udp_ports.erase(std::ranges::unique(rules.udp_ports).begin(), rules.udp_ports.end());
  std::ranges::sort(rules.tunnel_interfaces);
  rules.tunnel_interfaces.erase(std::ranges::unique(rules.tunnel_interfaces).begin(), rules.tunnel_interfaces.end());
  for (const auto last : *rc::gen::arbitrary<std::vector<std::uint8_t>>()) {
    rules.gre_peers.push_back(IpAddress::v4({192, 0, 2, last}));
    rules.gre_peers.push_back(IpAddress::v6({0x20, 1, 0xd, 0xb8, last}));
  }
  std::ranges::sort(rules.gre_peers);
  rules.gre_peers.erase(std::ranges::unique(rules.gre_peers).begin(), rules.gre_peers.end());
  RC_ASSERT(validate(rules).has_value());
  RC_ASSERT(decode_table(encode_listing(rules)).value() == (TableListing{rules, firewall_frame()}));
}

}  // namespace
}  // namespace moenet::net
