// Our table on a real kernel. tests/net/guest runs the same on Debian's.
#include "net/nftables.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include <gtest/gtest.h>

#include "net/namespaces.h"
#include "net/nft_command.h"

namespace moenet::net {
namespace {

using testing::nft;
using testing::soon;

IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }

const FirewallRules kRules{{31080, 31081, 51821},
                           {"dn42-wg-igp-2", "dn42_1", "wg.x"},
                           {address("192.0.2.1"), address("198.51.100.7"), address("2001:db8::1")}};

class RulesetTest : public ::testing::Test {
 protected:
  void SetUp() override { nft("flush ruleset"); }
  void TearDown() override { nft("flush ruleset"); }

  // Makes the table of kRules, lets `damage` change it, and has it put right.
  void expect_repair(const std::function<void()>& damage) {
    ASSERT_TRUE(ruleset_.apply(kRules, soon()).value());
    const std::string before = nft("list ruleset");
    damage();
    ASSERT_NE(nft("list ruleset"), before) << "nothing was damaged";
    EXPECT_NE(ruleset_.read(soon()).value(), kWhole) << "not seen";
    EXPECT_TRUE(ruleset_.apply(kRules, soon()).value());
    EXPECT_EQ(nft("list ruleset"), before);
    EXPECT_EQ(ruleset_.read(soon()).value(), kWhole);
  }

  // The handle of the first rule of a chain that holds `text`.
  static std::string handle_of(const std::string& chain, const std::string& text) {
    const std::string listing = nft("list chain inet moenet " + chain, true);
    const auto rule = listing.find(text);
    if (rule == std::string::npos) throw std::runtime_error("no rule with " + text + " in " + listing);
    const auto begin = listing.find("# handle ", rule) + 9;
    return listing.substr(begin, listing.find('\n', begin) - begin);
  }

  inline static const std::optional<FirewallTable> kWhole = FirewallTable{kRules, true};
  Ruleset ruleset_ = Ruleset::open().value();
};

TEST_F(RulesetTest, ATableThatIsNotThereIsNone) {
  EXPECT_EQ(ruleset_.read(soon()).value(), std::nullopt);
  EXPECT_TRUE(ruleset_.remove(soon()));
  EXPECT_EQ(nft("list ruleset"), "");
}

TEST_F(RulesetTest, WhatWasAppliedIsThere) {
  ASSERT_TRUE(ruleset_.apply(kRules, soon()).value());
  EXPECT_EQ(ruleset_.read(soon()).value(), kWhole);
  const std::string text = nft("list table inet moenet");
  for (const char* part :
       {"elements = { 31080, 31081, 51821 }", "\"dn42-wg-igp-2\"", "\"dn42_1\"", "\"wg.x\"",
        "type filter hook input priority filter - 10; policy accept;",
        "type filter hook forward priority mangle; policy accept;",
        "type filter hook output priority mangle; policy accept;",
        "udp dport @udp_ports meta mark set meta mark | 0x04000000 accept", "elements = { 192.0.2.1, 198.51.100.7 }",
        "elements = { 2001:db8::1 }",
        "meta l4proto gre ip saddr @gre_peers meta mark set meta mark | 0x04000000 accept",
        "meta l4proto gre ip6 saddr @ip6gre_peers meta mark set meta mark | 0x04000000 accept",
        "iifname @tunnels tcp dport 179 meta mark set meta mark | 0x04000000 accept",
        "iifname \"lo\" tcp dport 179 accept", "\t\ttcp dport 179 drop",
        "iifname @tunnels udp dport { 3784, 4784, 6696 } meta mark set meta mark | 0x04000000 accept",
        "iifname @tunnels oifname @tunnels meta mark set meta mark | 0x04000000",
        "oifname @tunnels tcp flags syn tcp option maxseg size set rt mtu",
        "iifname @tunnels tcp flags syn tcp option maxseg size set rt mtu"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  }
}

TEST_F(RulesetTest, NothingIsAlsoATable) {
  const FirewallRules nothing;
  ASSERT_TRUE(ruleset_.apply(nothing, soon()).value());
  EXPECT_EQ(ruleset_.read(soon()).value(), (FirewallTable{nothing, true}));
  EXPECT_FALSE(ruleset_.apply(nothing, soon()).value());
}

TEST_F(RulesetTest, AnUnchangedTableIsNotWritten) {
  ASSERT_TRUE(ruleset_.apply(kRules, soon()).value());
  const std::string before = nft("list ruleset", true);  // new objects would have new handles
  EXPECT_FALSE(ruleset_.apply(kRules, soon()).value());
  Ruleset restarted = Ruleset::open().value();
  EXPECT_FALSE(restarted.apply(kRules, soon()).value()) << "a new agent finds what the old one left";
  nft("add table ip foreign");  // another generation
  EXPECT_FALSE(ruleset_.apply(kRules, soon()).value());
  nft("delete table ip foreign");
  EXPECT_EQ(nft("list ruleset", true), before);
}

TEST_F(RulesetTest, AChangeOfElementsLeavesTheRulesAlone) {
  ASSERT_TRUE(ruleset_.apply(kRules, soon()).value());
  const std::string handle = handle_of("input", "BGP");
  FirewallRules more = kRules;
  more.udp_ports = {7, 31081, 65535};
  more.tunnel_interfaces = {"dn42_1", "dn42_2"};
  more.gre_peers = {address("192.0.2.2"), address("198.51.100.7")};
  EXPECT_TRUE(ruleset_.apply(more, soon()).value());
  EXPECT_EQ(ruleset_.read(soon()).value(), (FirewallTable{more, true}));
  EXPECT_EQ(handle_of("input", "BGP"), handle);
}

TEST_F(RulesetTest, NobodyElseIsAGrePeer) {
  expect_repair([] {
    nft("add element inet moenet gre_peers { 192.0.2.99 }; delete element inet moenet ip6gre_peers { "
        "2001:db8::1 }");
  });
}

TEST_F(RulesetTest, ADeletedRuleComesBack) {
  expect_repair([] { nft("delete rule inet moenet input handle " + handle_of("input", "BGP from anywhere")); });
}

TEST_F(RulesetTest, AnAddedRuleGoes) {
  expect_repair([] { nft("insert rule inet moenet input accept"); });
}

TEST_F(RulesetTest, AReplacedRuleIsPutRight) {
  expect_repair([] {
    nft("replace rule inet moenet input handle " + handle_of("input", "BGP from anywhere") +
        " tcp dport 179 accept comment \"BGP from anywhere else\"");
  });
}

TEST_F(RulesetTest, RulesInAnotherOrderArePutRight) {
  expect_repair([] {
    nft("delete rule inet moenet input handle " + handle_of("input", "BGP from anywhere") +
        "; insert rule inet moenet input tcp dport 179 drop comment \"BGP from anywhere else\"");
  });
}

TEST_F(RulesetTest, AFlushedSetIsFilled) {
  expect_repair([] { nft("flush set inet moenet tunnels"); });
}

TEST_F(RulesetTest, AForeignElementGoesAndALostOneComesBack) {
  expect_repair(
      [] { nft("add element inet moenet udp_ports { 22 }; delete element inet moenet udp_ports { 31080 }"); });
}

TEST_F(RulesetTest, AFlushedTableIsFilled) {
  expect_repair([] { nft("flush table inet moenet"); });
}

TEST_F(RulesetTest, ADeletedTableIsMadeAgain) {
  expect_repair([] { nft("delete table inet moenet"); });
}

TEST_F(RulesetTest, AnotherPolicyIsPutRight) {
  expect_repair([] { nft("chain inet moenet forward { policy drop; }"); });
}

TEST_F(RulesetTest, ADormantTableWakes) {
  expect_repair([] { nft("add table inet moenet { flags dormant; }"); });
}

TEST_F(RulesetTest, ForeignChainsAndSetsInOurTableGo) {
  expect_repair([] { nft("add chain inet moenet x; add set inet moenet y { type inet_service; }"); });
}

TEST_F(RulesetTest, OneThatChangesBetweenReadAndWriteIsStillPutRight) {
  ASSERT_TRUE(ruleset_.apply(kRules, soon()).value());
  ASSERT_TRUE(ruleset_.read(soon()).value());
  nft("delete element inet moenet udp_ports { 31080 }");
  EXPECT_THROW(nft(encode_change(kRules, {})), std::runtime_error) << "an element to delete is gone";
  EXPECT_TRUE(ruleset_.apply({}, soon()).value());
  EXPECT_EQ(ruleset_.read(soon()).value(), (FirewallTable{{}, true}));
}

TEST_F(RulesetTest, AFailingTransactionLeavesTheOldTableWhole) {
  ASSERT_TRUE(ruleset_.apply(kRules, soon()).value());
  const std::string before = nft("list ruleset", true);
  std::string commands = encode_replacement({{1}, {"other"}});
  commands.insert(commands.rfind(']'), R"(,{"delete":{"table":{"family":"ip","name":"absent"}}})");
  EXPECT_THROW(nft(commands), std::runtime_error);
  EXPECT_EQ(nft("list ruleset", true), before);
}

TEST_F(RulesetTest, InvalidRulesAreRefusedWhole) {
  ASSERT_TRUE(ruleset_.apply(kRules, soon()).value());
  const std::string before = nft("list ruleset", true);
  FirewallRules bad = kRules;
  bad.tunnel_interfaces.push_back("wg*");
  const auto refused = ruleset_.apply(bad, soon());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), (Error{Errc::invalid, "set nftables table inet moenet: 'wg*' is no interface name"}));
  EXPECT_EQ(nft("list ruleset", true), before);
}

TEST_F(RulesetTest, OtherTablesAreNeverTouched) {
  const std::string foreign =
      "table inet other { set udp_ports { type inet_service; elements = { 1, 2 }; }; counter c { }; "
      "chain input { type filter hook input priority -10; policy drop; udp dport @udp_ports counter accept; }; }; "
      "table ip moenet { chain input { type filter hook input priority 0; policy accept; tcp dport 179 accept; }; }";
  nft(foreign);
  const std::string before = nft("list ruleset", true);
  ASSERT_TRUE(ruleset_.apply(kRules, soon()).value());
  ASSERT_TRUE(ruleset_.apply({{1}, {"x"}}, soon()).value());
  nft("delete chain inet moenet output");
  ASSERT_TRUE(ruleset_.apply(kRules, soon()).value());
  ASSERT_TRUE(ruleset_.remove(soon()));
  EXPECT_EQ(nft("list ruleset", true), before);
}

TEST_F(RulesetTest, NamesTheChainsThatDropWhatWeLetIn) {
  ASSERT_TRUE(ruleset_.apply(kRules, soon()).value());
  EXPECT_TRUE(ruleset_.hostile_chains(soon()).value().empty());
  nft("table inet host { chain in { type filter hook input priority 0; policy drop; }; chain jumped { drop; }; "
      "chain out { type filter hook output priority 0; policy drop; }; }; "
      "table ip docker { chain FORWARD { type filter hook forward priority -200; policy drop; }; }");
  const std::vector<HostileChain> expected{{"inet", "host", "in", "input", 0},
                                           {"ip", "docker", "FORWARD", "forward", -200}};
  EXPECT_EQ(ruleset_.hostile_chains(soon()).value(), expected);
}

TEST_F(RulesetTest, ThousandsOfPortsAreOneTransaction) {
  FirewallRules many;
  many.udp_ports.resize(5000);
  std::iota(many.udp_ports.begin(), many.udp_ports.end(), std::uint16_t{30000});
  ASSERT_TRUE(ruleset_.apply(many, soon()).value());
  EXPECT_EQ(ruleset_.read(soon()).value(), (FirewallTable{many, true}));
  ASSERT_TRUE(ruleset_.apply({}, soon()).value());
  EXPECT_EQ(ruleset_.read(soon()).value(), (FirewallTable{{}, true}));
}

}  // namespace
}  // namespace moenet::net
