#include "agent/compose.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace moenet::agent {
namespace {

using model::Broken;
using model::Intent;
using model::Invalid;

constexpr std::string_view kKey = "uJskkgsWIKjUdj4GVtWL07j7wGWGrSLW5g3jUjtfgmk=";

class Compose : public testing::Test {
 protected:
  Compose() {
    node_.identity = {"jp1", *IpAddress::parse("172.22.188.2"), *IpAddress::parse("fd00:4242:7777:101:2::1"),
                      *IpAddress::parse("fe80::998:101:2:1")};
    node_.keepalive = std::chrono::seconds(25);
  }

  // A good row; `changes` overwrite its fields.
  static model::SessionRow row(int status, boost::json::object changes = {}) {
    boost::json::object object = {{"uuid", "3f7002fb-4d90-45bb-a646-6f30be403c9e"},
                                  {"asn", 4242420102},
                                  {"name", "x"},
                                  {"status", status},
                                  {"ipv6", "fe80::102"},
                                  {"type", "wireguard"},
                                  {"extensions", boost::json::array{"mp_bgp", "extended_nexthop"}},
                                  {"interface", "dn42_4242420102"},
                                  {"endpoint", "192.0.2.1:20998"},
                                  {"credential", kKey},
                                  {"mtu", 1420},
                                  {"port", 30102},
                                  {"policy", "full"}};
    for (auto& [key, value] : changes) object[key] = value;
    return model::read_session(object);
  }
  model::DesiredPeering composed(const model::SessionRow& session_row) {
    const auto result = compose({session_row}, node_, lookup_);
    EXPECT_EQ(result.state.peerings.size(), 1u);
    return result.state.peerings.at(0);
  }

  NodeContext node_;
  Lookup lookup_ = [](std::string_view host) -> Result<std::optional<IpAddress>> {
    if (auto address = IpAddress::parse(host)) return *address;
    return std::nullopt;
  };
};

TEST_F(Compose, ActiveRowBecomesTunnelAndBirdFile) {
  const auto peering = composed(row(4));
  ASSERT_TRUE(peering.tunnel && peering.bird_file);
  EXPECT_EQ(peering.intent, Intent::present);
  EXPECT_EQ(peering.tunnel->name, "dn42_4242420102");
  EXPECT_EQ(peering.tunnel->owner, "session/3f7002fb-4d90-45bb-a646-6f30be403c9e");
  EXPECT_EQ(peering.tunnel->listen_port, 30102);
  EXPECT_EQ(peering.tunnel->configured_endpoint, "192.0.2.1:20998");
  EXPECT_EQ(peering.tunnel->peers.at(0).endpoint->text(), "192.0.2.1:20998");
  EXPECT_EQ(peering.tunnel->peers.at(0).allowed_ips.size(), 2u);
  EXPECT_EQ(peering.bird_file->name, "dn42_4242420102.conf");
  EXPECT_FALSE(peering.has_named_endpoint || peering.awaits_endpoint);
}

TEST_F(Compose, NameUnderLookupGivesATunnelThatWaitsToBeCalled) {
  const auto peering = composed(row(4, {{"endpoint", "peer.example:1"}}));
  ASSERT_TRUE(peering.tunnel);
  EXPECT_FALSE(peering.tunnel->peers.at(0).endpoint);
  EXPECT_EQ(peering.tunnel->configured_endpoint, "");
  EXPECT_EQ(peering.endpoint_problem, "");
  EXPECT_TRUE(peering.has_named_endpoint && peering.awaits_endpoint);
}

TEST_F(Compose, NameThatDoesNotResolveIsAProblemOfItsSessionOnly) {
  lookup_ = [](std::string_view) -> Result<std::optional<IpAddress>> { return fail(Errc::not_found, "no such name"); };
  const auto peering = composed(row(2, {{"endpoint", "peer.example:1"}}));
  EXPECT_TRUE(peering.tunnel);
  EXPECT_EQ(peering.endpoint_problem, "endpoint peer.example:1 does not resolve: no such name");
}

TEST_F(Compose, FreshRowThatIsNoSessionIsTornDown) {
  const auto peering = composed(row(4, {{"credential", "{}"}}));
  EXPECT_EQ(peering.intent, Intent::absent);
  ASSERT_TRUE(peering.verdict && std::holds_alternative<Invalid>(*peering.verdict));
}

TEST_F(Compose, EnabledRowThatTurnsInvalidKeepsWhatRuns) {
  const auto peering = composed(row(2, {{"mtu", -5}}));
  EXPECT_EQ(peering.intent, Intent::untouched);
  EXPECT_TRUE(peering.verdict && std::holds_alternative<Invalid>(*peering.verdict));
}

TEST_F(Compose, NeighborThatIsOurselvesIsAProblemByName) {
  const auto peering = composed(row(4, {{"ipv6", "fe80::998:101:2:1"}}));
  ASSERT_TRUE(peering.verdict && std::holds_alternative<Broken>(*peering.verdict));
  EXPECT_NE(std::get<Broken>(*peering.verdict).cause.find("fe80::998:101:2:1 equals our own link-local"),
            std::string::npos)
      << std::get<Broken>(*peering.verdict).cause;
}

TEST_F(Compose, GreIsAProblemByName) {
  const auto peering = composed(row(4, {{"type", "gre"}}));
  ASSERT_TRUE(peering.verdict && std::holds_alternative<Broken>(*peering.verdict));
  EXPECT_NE(std::get<Broken>(*peering.verdict).cause.find("gre"), std::string::npos);
}

TEST_F(Compose, StatusDecidesTheIntent) {
  for (const auto& [status, intent] : {std::pair{0, Intent::absent},
                                       {1, Intent::absent},
                                       {2, Intent::present},
                                       {3, Intent::untouched},
                                       {4, Intent::present},
                                       {5, Intent::absent},
                                       {6, Intent::present},
                                       {7, Intent::absent},
                                       {8, Intent::untouched},
                                       {99, Intent::untouched}}) {
    EXPECT_EQ(composed(row(status)).intent, intent) << status;
  }
}

// Rows of several sessions, sorted by uuid as read_sessions leaves them.
class ComposerTest : public Compose {
 protected:
  static std::string uuid_of(int number) { return "00000000-0000-4000-8000-00000000000" + std::to_string(number); }
  static model::SessionRow numbered(int number, boost::json::object changes = {}) {
    changes["uuid"] = uuid_of(number);
    changes["asn"] = 4242420000 + number;
    return row(2, std::move(changes));
  }
  static Composer::Rows rows(std::vector<model::SessionRow> rows) {
    return std::make_shared<const std::vector<model::SessionRow>>(std::move(rows));
  }
  const Composed& expect_as_compose(const Composer::Rows& rows) {
    const Composed& composed = composer_.compose(rows, lookup_);
    const Composed anew = compose(*rows, node_, lookup_);
    EXPECT_EQ(composed.state.peerings, anew.state.peerings);
    EXPECT_EQ(composed.status_of, anew.status_of);
    return composed;
  }

  Composer composer_{node_};
};

TEST_F(ComposerTest, ResultEqualsComposeWhateverCameBefore) {
  const auto list = rows({numbered(1), numbered(2), numbered(3)});
  expect_as_compose(list);
  expect_as_compose(list);
  expect_as_compose(rows({numbered(2, {{"mtu", 1300}}), numbered(3), numbered(4)}));
  expect_as_compose(rows({numbered(1), numbered(1, {{"mtu", 1300}}), numbered(2, {{"credential", "junk"}})}));
  expect_as_compose(rows({}));
  expect_as_compose(list);
}

TEST_F(ComposerTest, EqualRowIsNotCompiledAgain) {
  const auto before = expect_as_compose(rows({numbered(1), numbered(2)})).state.peerings;
  const auto& after = expect_as_compose(rows({numbered(1, {{"mtu", 1300}}), numbered(2)})).state.peerings;
  EXPECT_NE(after.at(0).tunnel, before.at(0).tunnel);
  EXPECT_EQ(after.at(1).tunnel, before.at(1).tunnel);
}

TEST_F(ComposerTest, NameThatLeadsElsewhereIsCompiledAgain) {
  std::optional<IpAddress> known;
  lookup_ = [&known](std::string_view) -> Result<std::optional<IpAddress>> { return known; };
  const auto list = rows({numbered(1, {{"endpoint", "peer.example:20998"}})});
  EXPECT_FALSE(expect_as_compose(list).state.peerings.at(0).tunnel->peers.at(0).endpoint);
  known = *IpAddress::parse("192.0.2.7");
  EXPECT_EQ(expect_as_compose(list).state.peerings.at(0).tunnel->peers.at(0).endpoint->text(), "192.0.2.7:20998");
  lookup_ = [](std::string_view) -> Result<std::optional<IpAddress>> { return fail(Errc::not_found, "no such host"); };
  EXPECT_NE(expect_as_compose(list).state.peerings.at(0).endpoint_problem, "");
}

}  // namespace
}  // namespace moenet::agent
