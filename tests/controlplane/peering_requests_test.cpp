// Requests for sessions over real sockets: dry runs, the rules as each role meets them, approval, what the peer pastes.
#include "controlplane/registry_folder.h"
#include "controlplane/roles_fixture.h"

namespace moenet::controlplane {
namespace {

class PeeringRequestsTest : public RolesTest {
 protected:
  http::Response set(const json::object& peering) {
    const auto answer = call(admin_, "PATCH", "settings", json::object{{"peering", peering}});
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer;
  }
  static json::object with(const char* member, const json::value& value) {
    json::object body = draft();
    body[member] = value;
    return body;
  }
  std::size_t count() { return json::parse(call(admin_, "GET", "sessions").body).at("sessions").as_array().size(); }
};

TEST_F(PeeringRequestsTest, ADryRunChangesNothingAndRefusesTheSame) {
  const auto would = user("POST", "sessions?dry-run=1", draft());
  EXPECT_EQ(would.status, 200) << would.body;
  EXPECT_EQ(json::parse(would.body).at("port").as_int64(), 30'101);
  EXPECT_EQ(json::parse(would.body).at("interface").as_string(), "dn42-4242420101");
  EXPECT_EQ(count(), 0u);
  for (const auto& [member, value] : {std::pair<const char*, json::value>{"mtu", 1'501},
                                      {"endpoint", "10.0.0.1:1"},
                                      {"port", 22},
                                      {"publicKey", "no key"},
                                      {"node", "nowhere"}}) {
    const auto dry = user("POST", "sessions?dry-run=1", with(member, value));
    expect_field(dry, member);
    EXPECT_EQ(user("POST", "sessions", with(member, value)).body, dry.body) << member;
  }
  const std::string path = "sessions/" + requested();
  const auto edit = user("PATCH", path + "?dry-run=1", json::object{{"mtu", 1'400}});
  EXPECT_EQ(json::parse(edit.body).at("mtu").as_int64(), 1'400);
  EXPECT_EQ(json::parse(user("GET", path).body).at("mtu").as_int64(), 1'420);
  expect_field(user("PATCH", path + "?dry-run=1", json::object{{"mtu", 1'501}}), "mtu");
  EXPECT_EQ(user("PATCH", path + "?dry-run=1", json::object{{"mtu", 1'400}}, {{"If-Match", "\"9\""}}).status, 412);
}

TEST_F(PeeringRequestsTest, WhatIsTakenIsRefusedInTheStoresWords) {
  of_others();
  for (const auto& [member, value] : {std::pair<const char*, json::value>{"port", 30'102}, {"publicKey", kOtherKey}}) {
    const auto dry = user("POST", "sessions?dry-run=1", with(member, value));
    expect_field(dry, member);
    EXPECT_FALSE(json::parse(dry.body).at("hint").as_string().empty());
    expect_field(user("POST", "sessions", with(member, value)), member);
  }
  EXPECT_EQ(count(), 1u);
}

TEST_F(PeeringRequestsTest, AKeyIsAnotherASsOnWhicheverNode) {
  EXPECT_EQ(call(admin_, "POST", "nodes", json::object{{"name", "sg1"}, {"region", "AS-SE"}}).status, 201);
  of_others();
  const std::string path = "sessions/" + requested();
  json::object elsewhere = with("publicKey", kOtherKey);
  elsewhere["node"] = "sg1";
  expect_field(user("POST", "sessions", elsewhere), "publicKey");
  expect_field(user("PATCH", path, json::object{{"publicKey", kOtherKey}}), "publicKey");
}

TEST_F(PeeringRequestsTest, PolicyBindsPeersAndNotOperators) {
  const json::object private_one = with("endpoint", "10.0.0.1:20998");
  expect_field(user("POST", "sessions", private_one), "endpoint");
  EXPECT_EQ(call(admin_, "POST", "sessions?dry-run=1", private_one).status, 200);
  set(json::object{{"privateEndpoints", true}});
  EXPECT_EQ(user("POST", "sessions?dry-run=1", private_one).status, 200);
  set(json::object{{"policy", "peer"}});
  expect_field(user("POST", "sessions", with("policy", "full")), "policy");
  for (const json::object& asked : {draft(), with("policy", nullptr), with("policy", "peer")})
    EXPECT_EQ(json::parse(user("POST", "sessions?dry-run=1", asked).body).at("policy").as_string(), "peer");
  EXPECT_EQ(call(admin_, "PATCH", "nodes/jp1", json::object{{"closed", true}, {"peeringNote", "try de1"}}).status, 200);
  const auto closed = user("POST", "sessions", with("policy", "peer"));
  expect_field(closed, "node");
  EXPECT_EQ(json::parse(closed.body).at("hint").as_string(), "try de1");
  EXPECT_TRUE(json::parse(user("GET", "nodes/jp1").body).at("closed").as_bool());
}

TEST_F(PeeringRequestsTest, ANodeTakesAsManyAsItHasRoomFor) {
  EXPECT_EQ(call(admin_, "PATCH", "nodes/jp1", json::object{{"maxSessions", 1}}).status, 200);
  of_others();
  expect_field(user("POST", "sessions", draft()), "node");
  EXPECT_EQ(call(admin_, "PATCH", "nodes/jp1", json::object{{"maxSessions", nullptr}}).status, 200);
  EXPECT_EQ(user("POST", "sessions", draft()).status, 201);
  expect_field(call(admin_, "PATCH", "nodes/jp1", json::object{{"maxSessions", -1}}), "maxSessions");
}

TEST_F(PeeringRequestsTest, AnEditOfAnApprovedSessionKeepsToTheRules) {
  const std::string path = "sessions/" + requested();
  EXPECT_EQ(call(admin_, "POST", path + "/approve").status, 200);
  set(json::object{{"blockedAsns", {kOwn}}});
  expect_field(user("PATCH", path, json::object{{"mtu", 1'400}}), "asn");
  EXPECT_EQ(user("POST", path + "/disable").status, 200) << "who is blocked may go";
  expect_field(user("POST", path + "/enable"), "asn");
  EXPECT_EQ(status_in(call(admin_, "POST", path + "/enable")), "QUEUED_FOR_SETUP");
}

TEST_F(PeeringRequestsTest, ApprovalIsByHandUnlessTheNetworkSaysOtherwise) {
  EXPECT_EQ(json::parse(user("POST", "sessions?dry-run=1", draft()).body).at("status").as_string(), "PENDING");
  set(json::object{{"approval", "automatic"}});
  const auto added = user("POST", "sessions", draft());
  EXPECT_EQ(json::parse(added.body).at("status").as_string(), "QUEUED_FOR_SETUP");
  const auto by_admin = call(admin_, "POST", "sessions?dry-run=1", draft(kOthers));
  EXPECT_EQ(json::parse(by_admin.body).at("status").as_string(), "PENDING") << "operators say `approve`";
}

TEST_F(PeeringRequestsTest, WithARegistryThePeerIsInIt) {
  const testing::RegistryFolder registry;
  registry.put_as("4242420102", "EXAMPLE-MNT");
  service_.reset();
  ServiceSettings settings;
  settings.listen = {{{IpAddress::v4({127, 0, 0, 1}), 0}}};
  settings.keys = {Secret(testing::kAdminToken), std::nullopt};
  settings.auth.registry = registry.path().string();
  service_ = must(Service::start(*store_, settings));
  expect_field(user("POST", "sessions?dry-run=1", draft()), "asn");
  EXPECT_EQ(call(admin_, "POST", "sessions?dry-run=1", draft()).status, 200) << "an operator may";
  registry.put_as("4242420101", "EXAMPLE-MNT");
  EXPECT_EQ(user("POST", "sessions?dry-run=1", draft()).status, 200);
}

TEST_F(PeeringRequestsTest, SettingsOfPeeringAreReadAsAWhole) {
  const json::object peering{{"approval", "automatic"},  {"asnRanges", {{1, 2}, {64'512, 65'534}}},
                             {"allowedAsns", {5, 7}},    {"blockedAsns", {6}},
                             {"privateEndpoints", true}, {"policy", "full"}};
  set(peering);
  EXPECT_EQ(json::parse(call(admin_, "GET", "settings").body).at("peering"), json::value(peering));
  for (const auto& [member, value] : {std::pair<const char*, json::value>{"approval", "maybe"},
                                      {"asnRanges", json::array{json::array{2, 1}}},
                                      {"allowedAsns", json::array{0}},
                                      {"policy", "none"},
                                      {"colour", 1}}) {
    expect_field(call(admin_, "PATCH", "settings", json::object{{"peering", json::object{{member, value}}}}),
                 std::string("peering.") + member);
  }
}

TEST_F(PeeringRequestsTest, ThePeerPastesWhatItIsGiven) {
  const std::string uuid = requested();
  const auto snippets = json::parse(user("GET", "sessions/" + uuid + "/snippets").body);
  const std::string wireguard(snippets.at("wireguard").as_string());
  EXPECT_NE(wireguard.find("Endpoint = 127.0.0.12:30101\n"), std::string::npos) << wireguard;
  EXPECT_NE(wireguard.find("fe80::101/64"), std::string::npos) << wireguard;
  const std::string bird(snippets.at("bird2").as_string());
  EXPECT_NE(bird.find("local as 4242420101;"), std::string::npos) << bird;
  EXPECT_NE(bird.find("as 4242420998;"), std::string::npos) << bird;
  EXPECT_EQ(user("GET", "sessions/" + of_others() + "/snippets").status, 404);
}

}  // namespace
}  // namespace moenet::controlplane
