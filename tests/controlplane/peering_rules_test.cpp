#include "controlplane/peering_rules.h"

#include <gtest/gtest.h>

#include "controlplane/addressing.h"
#include "controlplane/seeds.h"

namespace moenet::controlplane {
namespace {

constexpr model::Asn kAsn = 4'242'420'101;
constexpr const char* kKey = "uJskkgsWIKjUdj4GVtWL07j7wGWGrSLW5g3jUjtfgmk=";
constexpr const char* kOtherKey = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";

std::string with_key(const std::string& key) { return R"({"public_key":")" + key + R"("})"; }

// A session that the rules accept, and a network of two nodes in which another AS has one.
class PeeringRulesTest : public ::testing::Test {
 protected:
  PeeringRulesTest() {
    nodes_ = {testing::node_of(1, "hk", 101, true, "10G"), testing::node_of(2, "jp", 101, false, "1G")};
    nodes_[0].public_ipv4 = "9.9.9.1";
    nodes_[1].seen_ipv6 = "2606:4700::2";
    nodes_[0].mesh_public_key = "b3duLWtleS1vZi1vdXItbm9kZS0wMTIzNDU2Nzg5YWI=";
    row_.uuid = "11111111-2222-4333-8444-555555555555";
    row_.node = 2;
    row_.asn = kAsn;
    row_.ipv4 = "172.20.53.1";
    row_.ipv6_link_local = "fe80::101";
    row_.interface_name = "dn42-4242420101";
    row_.endpoint = "peer.example.net:20998";
    row_.credential = with_key(kKey);
    row_.port = 30'101;
    other_ = row_;
    other_.uuid = "99999999-2222-4333-8444-555555555555";
    other_.asn = kAsn + 1;
    other_.ipv4 = "172.20.53.2";
    other_.interface_name = "dn42-4242420102";
    other_.credential = with_key(kOtherKey);
    other_.port = 30'102;
  }
  using Rule = Checked<void> (*)(const StoredSession& row, const PeeringFacts& facts);
  static Checked<void> policy_of_new(const StoredSession& row, const PeeringFacts& facts) {
    return check_policy(nullptr, row, facts);
  }
  static Checked<void> free_of_new(const StoredSession& row, const PeeringFacts& facts) {
    return check_free(nullptr, row, facts);
  }
  // The member that is refused; "" when all is well.
  std::string refused(Rule rule) {
    const std::vector<StoredSession> sessions{other_};
    const PeeringFacts facts{settings_, nodes_[1], nodes_, sessions, is_registered_};
    const auto answer = rule(row_, facts);
    if (answer) return "";
    EXPECT_FALSE(answer.error().error.what.empty());
    EXPECT_FALSE(answer.error().hint.empty()) << answer.error().error.what;
    return answer.error().field;
  }
  std::string by_policy() { return refused(&policy_of_new); }
  std::string edited_from(const StoredSession& before) {
    const PeeringFacts facts{settings_, nodes_[1], nodes_, {}, is_registered_};
    const auto answer = check_policy(&before, row_, facts);
    return answer ? "" : answer.error().field;
  }

  Settings settings_;
  std::vector<Node> nodes_;
  StoredSession row_;
  StoredSession other_;
  std::optional<bool> is_registered_;
};

TEST_F(PeeringRulesTest, AcceptAnOrdinaryRequest) {
  EXPECT_EQ(by_policy(), "");
  EXPECT_EQ(refused(&check_sound), "");
  EXPECT_EQ(refused(&free_of_new), "");
  is_registered_ = true;
  EXPECT_EQ(by_policy(), "");
}

TEST_F(PeeringRulesTest, TheAsnMustBeOneThatMayPeer) {
  for (const model::Asn asn : {4'242'419'999u, 4'242'424'000u, 64'512u}) {
    row_.asn = asn;
    EXPECT_EQ(by_policy(), "asn") << asn;
  }
  for (const model::Asn asn : {4'242'420'000u, 4'242'423'999u}) {
    row_.asn = asn;
    EXPECT_EQ(by_policy(), "") << asn;
  }
  row_.asn = 64'512;
  settings_.peering.allowed_asns = {64'512};
  is_registered_ = false;
  EXPECT_EQ(by_policy(), "") << "an allowed one needs neither range nor registry";
  settings_.peering.blocked_asns = {64'512};
  EXPECT_EQ(by_policy(), "asn") << "blocked is stronger";
  settings_.peering = {};
  settings_.peering.asn_ranges.clear();
  is_registered_ = std::nullopt;
  EXPECT_EQ(by_policy(), "") << "no ranges: any";
  is_registered_ = false;
  EXPECT_EQ(by_policy(), "asn");
  is_registered_ = true;
  settings_.policy->blocked_asns = {64'512};
  EXPECT_EQ(by_policy(), "asn") << "whose routes are refused has no session either";
}

TEST_F(PeeringRulesTest, ANodeMayWantFastLinks) {
  nodes_[1].min_bandwidth_mbit = 100;
  EXPECT_EQ(by_policy(), "bandwidthMbit");
  const StoredSession before = row_;
  row_.data_json = R"({"bandwidthMbit":99})";
  EXPECT_EQ(by_policy(), "bandwidthMbit");
  EXPECT_EQ(edited_from(before), "bandwidthMbit");
  row_.data_json = R"({"bandwidthMbit":100})";
  EXPECT_EQ(by_policy(), "");
  row_ = before;
  row_.mtu = 1'400;
  EXPECT_EQ(edited_from(before), "") << "who is in stays in";
}

TEST_F(PeeringRulesTest, ANodeThatLeavesTakesNobody) {
  EXPECT_EQ(refused(&check_sound), "");
  nodes_[1].is_leaving = true;
  EXPECT_EQ(refused(&check_sound), "node");
}

TEST_F(PeeringRulesTest, TheNodeMustHaveRoom) {
  nodes_[1].max_sessions = 2;
  EXPECT_EQ(by_policy(), "");
  nodes_[1].max_sessions = 1;
  EXPECT_EQ(by_policy(), "node");
  EXPECT_EQ(edited_from(row_), "") << "who is there stays";
  other_.status = model::SessionStatus::rejected;
  EXPECT_EQ(by_policy(), "") << "a rejected one takes no room";
  nodes_[1].is_closed = true;
  EXPECT_EQ(by_policy(), "node");
  EXPECT_EQ(edited_from(row_), "");
}

TEST_F(PeeringRulesTest, AKeyIsOfOneAs) {
  row_.credential = with_key(kOtherKey);
  EXPECT_EQ(by_policy(), "publicKey");
  other_.asn = row_.asn;
  other_.node = 1;
  EXPECT_EQ(by_policy(), "") << "on several nodes one AS may use one key";
  nodes_[0].mesh_public_key = kOtherKey;
  EXPECT_EQ(refused(&check_sound), "publicKey") << "an operator may not either";
}

TEST_F(PeeringRulesTest, TheEndpointIsOnTheInternet) {
  for (const char* bad : {"10.0.0.1:1", "192.168.1.1:1", "127.0.0.1:1", "169.254.0.1:1", "172.20.0.1:1", "[fe80::1]:1",
                          "[fd00::1]:1", "[::1]:1", "localhost:1", "router:1", "peer.dn42:1", "nas.LOCAL:1"}) {
    row_.endpoint = bad;
    EXPECT_EQ(by_policy(), "endpoint") << bad;
  }
  settings_.peering.private_endpoints = true;
  EXPECT_EQ(by_policy(), "");
  for (const char* ours : {"9.9.9.1:51820", "[2606:4700::2]:51820"}) {
    row_.endpoint = ours;
    EXPECT_EQ(by_policy(), "endpoint") << ours;
  }
  settings_.peering.private_endpoints = false;
  for (const char* good : {"", "8.8.8.8:20998", "[2606:4700::1]:20998", "peer.example.net:20998"}) {
    row_.endpoint = good;
    EXPECT_EQ(by_policy(), "") << good;
  }
}

TEST_F(PeeringRulesTest, AddressesOfTheTunnelAreThePeers) {
  for (const char* bad : {"8.8.8.8", "192.168.1.1", "172.22.188.60"}) {
    row_.ipv4 = bad;
    EXPECT_EQ(by_policy(), "ipv4") << bad;
  }
  row_.ipv4 = "10.127.0.1";
  for (const char* bad : {"2606:4700::1", "fd00:4242:7777::9"}) {
    row_.ipv6 = bad;
    EXPECT_EQ(by_policy(), "ipv6") << bad;
  }
  row_.ipv6 = "fd00:1::1";
  EXPECT_EQ(by_policy(), "");
  row_.ipv6_link_local = link_local(settings_, nodes_[1]).text();
  EXPECT_EQ(by_policy(), "ipv6LinkLocal");
  row_.ipv6_link_local = "fd00:1::2";
  EXPECT_EQ(by_policy(), "ipv6LinkLocal");
  row_.ipv4 = loopback_ipv4(settings_, nodes_[0])->text();
  EXPECT_EQ(refused(&check_sound), "ipv4") << "the other node's, whoever asks";
}

TEST_F(PeeringRulesTest, MtuPortAndPolicyKeepToTheirBounds) {
  for (const std::int64_t mtu : {1'279, 1'501}) {
    row_.mtu = mtu;
    EXPECT_EQ(by_policy(), "mtu") << mtu;
  }
  row_.mtu = 1'500;
  for (const std::int64_t port : {0, 22, 1'023, kMeshPortBase + 1}) {
    row_.port = port;
    EXPECT_EQ(by_policy(), "port") << port;
    EXPECT_EQ(edited_from(row_), "") << "as an operator set it";
  }
  row_.port = 1'024;
  EXPECT_EQ(by_policy(), "");
  settings_.peering.policy = "peer";
  EXPECT_EQ(by_policy(), "policy");
  EXPECT_EQ(edited_from(row_), "") << "as it was";
  row_.policy = "peer";
  EXPECT_EQ(by_policy(), "");
}

TEST_F(PeeringRulesTest, WhatAnotherHasIsNotFree) {
  const StoredSession before = row_;
  const auto expect_taken = [&](const char* member, auto take) {
    row_ = before;
    take();
    EXPECT_EQ(refused(&free_of_new), member);
    row_.node = 1;
    EXPECT_EQ(refused(&free_of_new), "") << member << " of another node";
  };
  expect_taken("asn", [&] { row_.asn = other_.asn; });
  expect_taken("interface", [&] { row_.interface_name = other_.interface_name; });
  expect_taken("port", [&] { row_.port = other_.port; });
  expect_taken("ipv4", [&] { row_.ipv4 = other_.ipv4; });
  row_ = other_;
  EXPECT_EQ(refused(&free_of_new), "") << "its own are its own";
  row_.uuid = before.uuid;
  EXPECT_EQ(refused(&free_of_new), "asn");
  const std::vector<StoredSession> sessions{other_};
  const PeeringFacts facts{settings_, nodes_[1], nodes_, sessions, std::nullopt};
  EXPECT_TRUE(check_free(&row_, row_, facts)) << "what it has already, as imported rows may";
  EXPECT_FALSE(check_free(&before, row_, facts));
}

TEST_F(PeeringRulesTest, OfGreToOneHostEachNeedsAKeyOfItsOwn) {
  for (StoredSession* row : {&row_, &other_}) {
    row->type = "gre";
    row->credential = "";
    row->endpoint = "peer.example.net";
    row->port = 0;
  }
  EXPECT_EQ(by_policy(), "") << "it has no port";
  EXPECT_EQ(refused(&free_of_new), "endpoint");
  row_.data_json = R"({"greKey":7})";
  EXPECT_EQ(refused(&free_of_new), "");
  other_.data_json = R"({"greKey":7})";
  EXPECT_EQ(refused(&free_of_new), "endpoint");
  row_.type = "ip6gre";
  EXPECT_EQ(refused(&free_of_new), "");
  for (const char* endpoint : {"10.0.0.1", "peer.dn42"}) {
    row_.type = "gre";
    row_.endpoint = endpoint;
    EXPECT_EQ(by_policy(), "endpoint") << endpoint;
  }
}

TEST_F(PeeringRulesTest, TheNextFreePortIsTold) {
  other_.port = default_listen_port(kAsn);
  const std::vector<StoredSession> sessions{other_};
  const PeeringFacts facts{settings_, nodes_[1], nodes_, sessions, std::nullopt};
  EXPECT_EQ(free_port(kAsn, facts), default_listen_port(kAsn) + 1);
  EXPECT_EQ(free_port(kAsn + 1, facts), default_listen_port(kAsn + 1));
}

}  // namespace
}  // namespace moenet::controlplane
