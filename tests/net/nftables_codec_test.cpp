#include "net/nftables_codec.h"

#include <gtest/gtest.h>

namespace moenet::net {
namespace {

std::string refusal(const FirewallRules& rules) {
  const auto valid = validate(rules);
  return valid ? "valid" : valid.error().what;
}

TEST(NftablesCodec, OnlySoundRulesAreValid) {
  EXPECT_EQ(refusal({}), "valid");
  EXPECT_EQ(refusal({{1, 65535}, {"-x", "a.b_c-D9", "fifteen-bytes-x"}}), "valid");
  EXPECT_EQ(refusal({{0, 1}, {}}), "UDP port 0");
  EXPECT_EQ(refusal({{2, 1}, {}}), "UDP ports out of order");
  EXPECT_EQ(refusal({{1, 1}, {}}), "UDP ports out of order");
  EXPECT_EQ(refusal({{}, {"b", "a"}}), "interface names out of order");
  EXPECT_EQ(refusal({{}, {"a", "a"}}), "interface names out of order");
  EXPECT_EQ(refusal({{}, {"bad\n"}}), R"('bad\n' is no interface name)");
}

TEST(NftablesCodec, NoNameMeansAnythingToNft) {
  for (const char* name :
       {"", ".", "..", "sixteen-bytes-xx", "wg*", "@tunnels", "a b", "a\"", "a}", "$x", "a/b", "ü"}) {
    EXPECT_FALSE(is_interface_name(name)) << name;
  }
  EXPECT_FALSE(is_interface_name(std::string_view("a\0b", 3)));
}

TEST(NftablesCodec, AReplacementMakesAllOfTheTableAnewAndNothingElse) {
  const std::string commands = encode_replacement({{7, 31080}, {"dn42_1"}});
  EXPECT_TRUE(commands.starts_with(R"({"nftables":[{"add":{"table":{"family":"inet","name":"moenet"}}},)"
                                   R"({"delete":{"table":{"family":"inet","name":"moenet"}}},)"
                                   R"({"add":{"table":{"family":"inet","name":"moenet"}}},)"
                                   R"({"add":{"set":{"family":"inet","table":"moenet","name":"udp_ports",)"
                                   R"("type":"inet_service","elem":[7,31080]}}},)"
                                   R"({"add":{"set":{"family":"inet","table":"moenet","name":"tunnels",)"
                                   R"("type":"ifname","elem":["dn42_1"]}}},)"
                                   R"({"add":{"chain":{"family":"inet","table":"moenet","name":"input",)"
                                   R"("type":"filter","hook":"input","prio":-10,"policy":"accept"}}},)"))
      << commands;
  std::size_t objects = 0, ours = 0;
  for (std::size_t at = 0; (at = commands.find(R"({"add":{)", at)) != std::string::npos; ++at) ++objects;
  for (std::size_t at = 0; (at = commands.find(R"("table":"moenet")", at)) != std::string::npos; ++at) ++ours;
  EXPECT_EQ(objects, ours + 2) << "each object but the table, which is added twice, says that it is in it";
}

TEST(NftablesCodec, TheMarkIsOneBitThatIsAddedToTheOthers) {
  EXPECT_EQ(kFirewallMark & (kFirewallMark - 1), 0U);
  EXPECT_NE(encode_replacement({}).find(
                R"({"mangle":{"key":{"meta":{"key":"mark"}},"value":{"|":[{"meta":{"key":"mark"}},67108864]}}})"),
            std::string::npos);
}

TEST(NftablesCodec, AnEmptySetIsMadeWithoutElements) {
  EXPECT_EQ(encode_replacement({}).find("elem"), std::string::npos) << "nft refuses an empty list";
}

TEST(NftablesCodec, AChangeIsTheElementsThatDiffer) {
  const FirewallRules from{{1, 2, 3}, {"a", "b"}};
  EXPECT_EQ(encode_change(from, from), "");
  EXPECT_EQ(encode_change(from, {{2, 3, 4}, {"a", "b"}}),
            R"({"nftables":[{"delete":{"element":{"family":"inet","table":"moenet","name":"udp_ports","elem":[1]}}},)"
            R"({"add":{"element":{"family":"inet","table":"moenet","name":"udp_ports","elem":[4]}}}]})");
  EXPECT_EQ(encode_change(from, {{1, 2, 3}, {"b", "c"}}),
            R"({"nftables":[{"delete":{"element":{"family":"inet","table":"moenet","name":"tunnels","elem":["a"]}}},)"
            R"({"add":{"element":{"family":"inet","table":"moenet","name":"tunnels","elem":["c"]}}}]})");
}

TEST(NftablesCodec, GrePeersAreInTheSetOfTheirFamily) {
  const auto peers = [](std::initializer_list<const char*> texts) {
    FirewallRules rules;
    for (const char* text : texts) rules.gre_peers.push_back(IpAddress::parse(text).value());
    return rules;
  };
  EXPECT_EQ(encode_change(peers({"192.0.2.1", "2001:db8::1"}), peers({"192.0.2.1", "192.0.2.10", "192.0.2.9"})),
            R"({"nftables":[{"delete":{"element":{"family":"inet","table":"moenet","name":"ip6gre_peers",)"
            R"("elem":["2001:db8::1"]}}},)"
            R"({"add":{"element":{"family":"inet","table":"moenet","name":"gre_peers",)"
            R"("elem":["192.0.2.10","192.0.2.9"]}}}]})");
  EXPECT_FALSE(validate(peers({"192.0.2.9", "192.0.2.9"})));
}

TEST(NftablesCodec, ARemovalIsNoErrorWithoutATable) {
  EXPECT_EQ(encode_removal(), R"({"nftables":[{"add":{"table":{"family":"inet","name":"moenet"}}},)"
                              R"({"delete":{"table":{"family":"inet","name":"moenet"}}}]})");
}

}  // namespace
}  // namespace moenet::net
