#include "model/node_config.h"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <gtest/gtest.h>

namespace moenet::model {
namespace {

namespace json = boost::json;

TEST(NodeConfig, HasTheContractsDefaultsWhenNothingIsSaid) {
  for (const char* text : {"{}", R"({"bird":null,"wireguard":{},"new":{"x":1}})"}) {
    const auto config = read_node_config(json::parse(text));
    ASSERT_TRUE(config);
    EXPECT_EQ(*config, NodeConfig{});
  }
}

TEST(NodeConfig, TakesUnallocatedNumbersAndAddressesAsAbsent) {
  const auto config = read_node_config(
      json::parse(R"({"node":{"name":"x","id":0},"wireguard":{"dn42Ipv4":"","dn42Ipv6":"","dn42Ipv6LinkLocal":""}})"));
  ASSERT_TRUE(config) << config.error().what;
  EXPECT_FALSE(config->node.id);
  EXPECT_FALSE(config->wireguard.dn42_ipv4);
  EXPECT_FALSE(config->wireguard.dn42_ipv6);
  EXPECT_FALSE(config->wireguard.dn42_ipv6_link_local);
}

TEST(NodeConfig, DropsPrefixLengthsAndReadsNumericStrings) {
  const auto config = read_node_config(json::parse(
      R"({"node":{"id":"7"},"wireguard":{"dn42Ipv4":"172.22.188.7/32","dn42Ipv6LinkLocal":"fe80::7/64",
          "persistentKeepaliveInterval":"0"},"autoUpdate":{"enabled":"true"}})"));
  ASSERT_TRUE(config) << config.error().what;
  EXPECT_EQ(config->node.id, 7u);
  EXPECT_EQ(config->wireguard.dn42_ipv4->text(), "172.22.188.7");
  EXPECT_EQ(config->wireguard.dn42_ipv6_link_local->text(), "fe80::7");
  EXPECT_EQ(config->wireguard.keepalive, std::chrono::seconds(0));
  EXPECT_TRUE(config->auto_update.enabled);
}

TEST(NodeConfig, NamesEveryFaultAtOnce) {
  const auto config = read_node_config(json::parse(
      R"({"node":{"id":1000},"bird":{"poolSize":0},"wireguard":{"dn42Ipv6LinkLocal":"fd00::1"},"metric":5})"));
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, Errc::invalid);
  EXPECT_EQ(
      config.error().what,
      "node config: node.id: 1000 is not a number from 0 to 999; bird.poolSize: 0 is not a number from 1 to 1024; "
      "wireguard.dn42Ipv6LinkLocal: 'fd00::1' is not a link-local IPv6 address (fe80::/10); metric: 5 is not an "
      "object");
}

TEST(NodeConfig, RefusesWhatIsNoObject) {
  for (const char* text : {"null", "[]", "5", "\"x\""}) EXPECT_FALSE(read_node_config(json::parse(text))) << text;
}

TEST(NodeConfig, ReadsBackWhatItWrote) {
  NodeConfig config;
  config.node = {"jp1", 2, "AS", "Tokyo", "lab"};
  config.bird = {"/run/bird/bird.ctl", 3, 9, "/etc/bird/peers", "t", "/etc/bird/ibgp.d"};
  config.wireguard.dn42_ipv4 = IpAddress::v4({172, 22, 188, 2});
  config.wireguard.keepalive = std::chrono::seconds(0);
  config.metric.ping_count = 1;
  config.auto_update.enabled = true;
  EXPECT_EQ(read_node_config(write_node_config(config)).value(), config);
}

}  // namespace
}  // namespace moenet::model
