// Which loopbacks a node may have, and with which prefixes all have one.
#include "controlplane/loopbacks.h"

#include <gtest/gtest.h>

#include "controlplane/addressing.h"
#include "controlplane/seeds.h"

namespace moenet::controlplane {
namespace {

using testing::node_of;

Node with_loopbacks(NodeId id, std::string ipv4, std::string ipv6) {
  Node node = node_of(id, "n" + std::to_string(id), 101, false, "1G");
  node.loopback_ipv4 = std::move(ipv4);
  node.loopback_ipv6 = std::move(ipv6);
  return node;
}

// One by derivation, one by the operator's choice.
std::vector<Node> network() {
  return {with_loopbacks(1, "", ""), with_loopbacks(2, "172.22.188.40", "fd00:4242:7777:beef::2")};
}

std::string told(const Checked<void>& checked) {
  return checked ? "" : checked.error().field + ": " + checked.error().error.what;
}

TEST(Loopbacks, AreWithinThePrefixAndOneNodesOnly) {
  const struct {
    const char* ipv4;
    const char* ipv6;
    const char* refusal;
  } cases[] = {
      {"", "", ""},
      {"172.22.188.62", "", ""},
      {"172.22.188.2", "", ""},  // would be node 2's by derivation, which has another
      {"", "fd00:4242:7777:ffff:ffff:ffff:ffff:ffff", ""},
      {"172.22.188.64", "", "loopbackIpv4: 172.22.188.64 is outside 172.22.188.0/26"},
      {"10.0.0.1", "", "loopbackIpv4: 10.0.0.1 is outside 172.22.188.0/26"},
      {"172.22.188.0", "", "loopbackIpv4: 172.22.188.0 is the address of 172.22.188.0/26 itself"},
      {"172.22.188.63", "", "loopbackIpv4: 172.22.188.63 is the broadcast address of 172.22.188.0/26"},
      {"172.22.188.1", "", "loopbackIpv4: 172.22.188.1 is that of n1"},
      {"172.22.188.40", "", "loopbackIpv4: 172.22.188.40 is that of n2"},
      {"", "fd00:4242:7778::1", "loopbackIpv6: fd00:4242:7778::1 is outside fd00:4242:7777::/48"},
      {"", "fd00:4242:7777::", "loopbackIpv6: fd00:4242:7777:: is the address of fd00:4242:7777::/48 itself"},
      {"", "fd00:4242:7777:101:1::1", "loopbackIpv6: fd00:4242:7777:101:1::1 is that of n1"},
      {"", "fd00:4242:7777:beef::2", "loopbackIpv6: fd00:4242:7777:beef::2 is that of n2"},
  };
  for (const auto& [ipv4, ipv6, refusal] : cases) {
    EXPECT_EQ(told(check_loopbacks(Settings{}, with_loopbacks(3, ipv4, ipv6), network())), refusal);
  }
}

TEST(Loopbacks, OfANodeDoNotClashWithThemselves) {
  for (const Node& node : network()) EXPECT_EQ(told(check_loopbacks(Settings{}, node, network())), "");
}

TEST(Loopbacks, ThatAreDerivedMayNotBeAnothersChoice) {
  EXPECT_EQ(told(check_loopbacks(Settings{}, with_loopbacks(40, "", ""), network())),
            "loopbackIpv4: 172.22.188.40 is that of n2");
}

TEST(Loopbacks, GoAsFarAsThePrefix) {
  const auto derived = [](const char* prefix, NodeId id) {
    Settings settings;
    settings.ipv4_prefix = prefix;
    const auto address = loopback_ipv4(settings, with_loopbacks(id, "", ""));
    return address ? address->text() : "none";
  };
  EXPECT_EQ(derived("172.22.188.0/26", 62), "172.22.188.62");
  EXPECT_EQ(derived("172.22.188.0/26", 63), "none") << "the broadcast address";
  EXPECT_EQ(derived("172.22.188.64/26", 62), "172.22.188.126");
  EXPECT_EQ(derived("172.22.188.0/22", 256), "172.22.189.0");
  EXPECT_EQ(derived("172.22.188.0/22", 999), "172.22.191.231");
  EXPECT_EQ(derived("172.22.188.0/23", 510), "172.22.189.254");
  EXPECT_EQ(derived("172.22.188.0/23", 511), "none");
  const Node node = with_loopbacks(999, "", "");
  EXPECT_EQ(loopback_ipv6(Settings{}, node)->text(), "fd00:4242:7777:101:999::1");
  EXPECT_EQ(link_local(Settings{}, node).text(), "fe80::998:101:999:1");
}

TEST(Prefixes, LeaveEachNodeItsLoopbacks) {
  const auto after = [](const char* ipv4, const char* ipv6, const std::vector<Node>& nodes) {
    Settings settings;
    settings.ipv4_prefix = ipv4;
    settings.ipv6_prefix = ipv6;
    return told(check_prefixes(settings, nodes));
  };
  const char* const v4 = "172.22.188.0/26";
  const char* const v6 = "fd00:4242:7777::/48";
  EXPECT_EQ(after(v4, v6, network()), "");
  EXPECT_EQ(after("172.22.0.0/16", "fd00:4242::/32", network()), "") << "a wider one";
  EXPECT_EQ(after("172.23.0.0/26", v6, network()), "ipv4Prefix: n2: 172.22.188.40 is outside 172.23.0.0/26");
  EXPECT_EQ(after("172.23.0.0/26", v6, {network().front()}), "") << "who has none of its own moves along";
  EXPECT_EQ(after(v4, "fd01::/48", network()), "ipv6Prefix: n2: fd00:4242:7777:beef::2 is outside fd01::/48");
  // .32 and node 8 make what node 2 has.
  const std::vector<Node> clash = {with_loopbacks(2, "172.22.188.40", ""), with_loopbacks(8, "", "")};
  EXPECT_EQ(after("172.22.188.32/27", v6, clash), "ipv4Prefix: n2: 172.22.188.40 is that of n8");
}

}  // namespace
}  // namespace moenet::controlplane
