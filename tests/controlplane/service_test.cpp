// The agent API and the admin API over real sockets, and what happens between them: tokens, moves, limits.
#include <algorithm>
#include <cctype>

#include "controlplane/service_fixture.h"

namespace moenet::controlplane {
namespace {

namespace json = boost::json;

constexpr const char* kPsk = "TGd4Ing/MxhIFa5mh+4wwkX6MJw78mw/OlEPWwQry+o=";

TEST_F(ServiceTest, ASessionLivesFromRequestToDeletion) {
  const std::string uuid = add(draft());
  EXPECT_EQ(only_session_of_agent().at("status").as_int64(), 3);
  EXPECT_EQ(admin("POST", "sessions/" + uuid + "/approve").status, 200);
  EXPECT_EQ(only_session_of_agent().at("status").as_int64(), 4);
  EXPECT_NE(modify(uuid, 2).find("\"updated\":true"), std::string::npos);
  EXPECT_EQ(json::parse(admin("GET", "sessions/" + uuid).body).at("status").as_string(), "ENABLED");
  EXPECT_EQ(admin("DELETE", "sessions/" + uuid).status, 200);
  EXPECT_EQ(only_session_of_agent().at("status").as_int64(), 5);
  EXPECT_NE(modify(uuid, 0).find("\"deleted\":true"), std::string::npos);
  EXPECT_EQ(admin("GET", "sessions/" + uuid).status, 404);
}

TEST_F(ServiceTest, HandsOutWhatWasAskedFor) {
  json::object body = draft();
  body["presharedKey"] = kPsk;
  body["mtu"] = 1400;
  body["password"] = "pass word";
  body["importLimit"] = 500;
  body["policy"] = "peer";
  add(body);
  const auto row = only_session_of_agent();
  EXPECT_EQ(row.at("interface").as_string(), "dn42-4242420101");
  EXPECT_EQ(row.at("port").as_int64(), 30'101);
  EXPECT_EQ(row.at("mtu").as_int64(), 1400);
  EXPECT_EQ(row.at("policy").as_string(), "peer");
  EXPECT_EQ(row.at("extensions").as_array().size(), 2u);
  const auto credential = json::parse(row.at("credential").as_string());
  EXPECT_EQ(credential.at("public_key").as_string(), kKey);
  EXPECT_EQ(credential.at("preshared_key").as_string(), kPsk);
  EXPECT_EQ(row.at("data").at("password").as_string(), "pass word");
}

TEST_F(ServiceTest, TellsOperatorsNoSecrets) {
  json::object body = draft();
  body["presharedKey"] = kPsk;
  body["password"] = "pass-word";
  const std::string uuid = add(body);
  for (const auto& answer : {admin("GET", "sessions/" + uuid), admin("GET", "sessions"), admin("GET", "nodes")}) {
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body.find(kPsk), std::string::npos);
    EXPECT_EQ(answer.body.find("pass-word"), std::string::npos);
    EXPECT_EQ(answer.body.find(hash_of_token("token-of-jp1")), std::string::npos);
  }
}

TEST_F(ServiceTest, RefusesAtTheDoorWhatTheAgentWould) {
  const struct {
    const char* member;
    json::value value;
    const char* field;
  } cases[] = {
      {"asn", 0, "asn"},
      {"asn", -1, "asn"},
      {"asn", 4'294'967'296, "asn"},
      {"asn", 4'242'420'998, "asn"},
      {"node", "nope", "node"},
      {"publicKey", "short", "publicKey"},
      {"publicKey", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "publicKey"},
      {"publicKey", nullptr, "publicKey"},
      {"presharedKey", "short", "presharedKey"},
      {"endpoint", "host:99999", "endpoint"},
      {"endpoint", "bad host", "endpoint"},
      {"ipv4", "not an address", "ipv4"},
      {"ipv6", "172.20.0.1", "ipv6"},
      {"ipv6LinkLocal", "fd00::1", "ipv6LinkLocal"},
      {"ipv6LinkLocal", "fe80::998:101:2:1", "ipv6LinkLocal"},
      {"ipv6LinkLocal", nullptr, "ipv6"},
      {"ipv4", "172.22.188.2", "ipv4"},
      {"mtu", 1279, "mtu"},
      {"mtu", 9001, "mtu"},
      {"port", 65'536, "port"},
      {"port", 51'821, "port"},
      {"policy", "everything", "policy"},
      {"type", "gre", "type"},
      {"interface", "a-name-that-is-too-long", "interface"},
      {"interface", "a/b", "interface"},
      {"interface", "dn42-wg-igp-1", "interface"},
      {"name", "two\nlines", "name"},
      {"importLimit", -5, "importLimit"},
      {"password", std::string(81, 'x').c_str(), "password"},
      {"password", "a\"b", "password"},
      {"password", "a\nb", "password"},
      {"password", "\xE2\x82\xAC", "password"},
      {"nonsense", 1, "nonsense"},
  };
  for (const auto& [member, value, field] : cases) {
    json::object body = draft();
    body[member] = value;
    SCOPED_TRACE(json::serialize(body));
    expect_field(admin("POST", "sessions", body), field);
  }
  EXPECT_TRUE(must(store_->sessions()).empty());
}

TEST_F(ServiceTest, RefusesWhatAnotherSessionOfTheNodeHolds) {
  json::object first = draft();
  first["ipv4"] = "172.20.104.1";
  first["ipv6"] = "fd42:104::1";
  add(first);
  const auto second = [](const char* member, json::value value) {
    json::object body = draft(4'242'420'102);
    body[member] = std::move(value);
    return body;
  };
  expect_field(admin("POST", "sessions", second("asn", 4'242'420'101)), "asn");
  expect_field(admin("POST", "sessions", second("port", 30'101)), "port");
  expect_field(admin("POST", "sessions", second("interface", "dn42-4242420101")), "interface");
  expect_field(admin("POST", "sessions", second("ipv4", "172.20.104.1")), "ipv4");
  expect_field(admin("POST", "sessions", second("ipv6", "fd42:104:0::1")), "ipv6");
  EXPECT_EQ(admin("POST", "sessions", second("node", "hk-rr")).status, 201) << "another node is another world";
  const std::string uuid = add(second("ipv4", "172.20.104.2"));
  expect_field(admin("PATCH", "sessions/" + uuid, {{"ipv4", "172.20.104.1"}}), "ipv4");
}

TEST_F(ServiceTest, TakesAUuidInEitherCase) {
  const auto upper = [](std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
  };
  const std::string uuid = upper(add(draft()));
  const std::string node = upper("da8c0ad2-d098-4b01-9371-b6f3dd8569d4");
  EXPECT_EQ(admin("GET", "sessions/" + uuid).status, 200);
  EXPECT_EQ(admin("POST", "sessions/" + uuid + "/approve").status, 200);
  EXPECT_EQ(admin("GET", "nodes/" + node).status, 200);
  EXPECT_EQ(json::parse(admin("GET", "sessions?node=" + node).body).at("sessions").as_array().size(), 1u);
  EXPECT_EQ(request("GET", "/api/v1/agent/" + node + "/sessions", "token-of-jp1").status, 200);
}

TEST_F(ServiceTest, AnIllegalMoveIsAConflict) {
  const std::string uuid = add(draft());
  EXPECT_EQ(admin("POST", "sessions/" + uuid + "/reject", {{"reason", "no"}}).status, 200);
  expect_field(admin("POST", "sessions/" + uuid + "/approve"), "status", 409);
  EXPECT_EQ(admin("POST", "sessions/" + uuid + "/dance").status, 404);
}

TEST_F(ServiceTest, AnEditedEnabledSessionIsQueuedAgain) {
  const std::string uuid = add(draft());
  admin("POST", "sessions/" + uuid + "/approve");
  modify(uuid, 2);
  const auto edited = admin("PATCH", "sessions/" + uuid, {{"mtu", 1300}, {"endpoint", nullptr}});
  EXPECT_EQ(edited.status, 200) << edited.body;
  const auto row = only_session_of_agent();
  EXPECT_EQ(row.at("status").as_int64(), 4);
  EXPECT_EQ(row.at("mtu").as_int64(), 1300);
  EXPECT_TRUE(row.at("endpoint").is_null());
  EXPECT_EQ(row.at("port").as_int64(), 30'101) << "what was not named stays";
}

TEST_F(ServiceTest, AnEditThatChangesNothingLeavesTheStatus) {
  const std::string uuid = add(draft());
  admin("POST", "sessions/" + uuid + "/approve");
  modify(uuid, 2);
  EXPECT_EQ(admin("PATCH", "sessions/" + uuid, {{"mtu", 1420}}).status, 200);
  EXPECT_EQ(only_session_of_agent().at("status").as_int64(), 2);
}

TEST_F(ServiceTest, AnEditKeepsThePresharedKey) {
  json::object body = draft();
  body["presharedKey"] = kPsk;
  const std::string uuid = add(body);
  admin("PATCH", "sessions/" + uuid, {{"mtu", 1300}});
  EXPECT_EQ(json::parse(only_session_of_agent().at("credential").as_string()).at("preshared_key").as_string(), kPsk);
}

TEST_F(ServiceTest, ANodesTokenOpensThatNodeOnly) {
  EXPECT_EQ(agent("GET", "sessions").status, 200);
  EXPECT_EQ(request("GET", "/api/v1/agent/hk-rr/sessions", "token-of-jp1").status, 403);
  EXPECT_EQ(request("GET", "/api/v1/agent/nope/sessions", "token-of-jp1").status, 403);
  EXPECT_EQ(request("GET", "/api/v1/admin/nodes", "token-of-jp1").status, 403);
  EXPECT_EQ(request("POST", "/api/v1/agent/heartbeat", "token-of-jp1", {}, R"({"node_id":"hk-rr"})").status, 403);
  EXPECT_EQ(request("POST", "/api/v1/agent/heartbeat", "token-of-jp1", {}, R"({"node_id":"jp1"})").status, 200);
}

TEST_F(ServiceTest, ASharedKeyIsRefusedUnlessConfigured) {
  EXPECT_EQ(request("GET", "/api/v1/agent/jp1/sessions", testing::kSharedKey).status, 401);
  start(Secret(testing::kSharedKey));
  EXPECT_EQ(request("GET", "/api/v1/agent/jp1/sessions", testing::kSharedKey).status, 200);
  EXPECT_EQ(request("GET", "/api/v1/agent/hk-rr/sessions", testing::kSharedKey).status, 200);
}

TEST_F(ServiceTest, ARotatedTokenReplacesTheOldOne) {
  const auto rotated = admin("POST", "nodes/jp1/token");
  EXPECT_EQ(rotated.status, 200);
  const std::string token(json::parse(rotated.body).at("token").as_string());
  EXPECT_EQ(agent("GET", "sessions").status, 401);
  EXPECT_EQ(request("GET", "/api/v1/agent/jp1/sessions", token).status, 200);
}

TEST_F(ServiceTest, ANewNodeGetsItsPlaceInTheNetwork) {
  const auto added = admin("POST", "nodes", {{"name", "sg1"}, {"region", "as-se"}});
  EXPECT_EQ(added.status, 201) << added.body;
  const auto body = json::parse(added.body);
  EXPECT_EQ(body.at("id").as_int64(), 3);
  EXPECT_EQ(body.at("loopbackIpv4").as_string(), "172.22.188.3");
  EXPECT_EQ(body.at("loopbackIpv6").as_string(), "fd00:4242:7777:102:3::1");
  EXPECT_EQ(body.at("linkLocal").as_string(), "fe80::998:102:3:1");
  expect_field(admin("POST", "nodes", {{"name", "sg1"}, {"region", "AS-SE"}}), "name");
  expect_field(admin("POST", "nodes", {{"name", "x y"}, {"region", "AS-SE"}}), "name");
  expect_field(admin("POST", "nodes", {{"name", "x"}, {"region", "Mars"}}), "region");
  expect_field(admin("POST", "nodes", {{"name", "x"}}), "region");
  expect_field(admin("PATCH", "nodes/sg1", {{"name", "sg2"}}), "name");
}

TEST_F(ServiceTest, ANodeMayHaveLoopbacksOfItsOwn) {
  const auto added = admin("POST", "nodes",
                           {{"name", "sg1"},
                            {"region", "AS-SE"},
                            {"loopbackIpv4", "172.22.188.40/32"},
                            {"loopbackIpv6", "fd00:4242:7777::40"}});
  ASSERT_EQ(added.status, 201) << added.body;
  EXPECT_EQ(json::parse(added.body).at("loopbackIpv4").as_string(), "172.22.188.40");
  EXPECT_EQ(json::parse(added.body).at("loopbackIpv6").as_string(), "fd00:4242:7777::40");
  const std::string token(json::parse(added.body).at("token").as_string());
  const auto config = json::parse(request("GET", "/api/v1/agent/sg1/config", token).body).at("data").at("wireguard");
  EXPECT_EQ(config.at("dn42Ipv4").as_string(), "172.22.188.40");
  EXPECT_EQ(config.at("dn42Ipv6").as_string(), "fd00:4242:7777::40");
  const auto mesh = json::parse(request("GET", "/api/v1/agent/sg1/mesh", token).body).at("data").at("self");
  EXPECT_EQ(mesh.at("loopbackIpv4").as_string(), "172.22.188.40");

  expect_field(admin("PATCH", "nodes/jp1", {{"loopbackIpv4", "172.22.188.40"}}), "loopbackIpv4");
  expect_field(admin("PATCH", "nodes/sg1", {{"loopbackIpv4", "172.22.188.27"}}), "loopbackIpv4");
  expect_field(admin("PATCH", "nodes/sg1", {{"loopbackIpv4", "172.22.188.64"}}), "loopbackIpv4");
  expect_field(admin("PATCH", "nodes/sg1", {{"loopbackIpv4", "no address"}}), "loopbackIpv4");
  expect_field(admin("PATCH", "nodes/sg1", {{"loopbackIpv6", "fd00:4242:7777:101:2::1"}}), "loopbackIpv6");
  expect_field(admin("POST", "nodes", {{"name", "x"}, {"id", 40}, {"region", "EU-W"}}), "loopbackIpv4");
  expect_field(admin("PATCH", "settings", {{"ipv4Prefix", "172.23.0.0/26"}}), "ipv4Prefix");

  const auto derived = admin("PATCH", "nodes/sg1", {{"loopbackIpv4", nullptr}, {"loopbackIpv6", ""}});
  EXPECT_EQ(json::parse(derived.body).at("loopbackIpv4").as_string(), "172.22.188.3") << derived.body;
  EXPECT_EQ(json::parse(derived.body).at("loopbackIpv6").as_string(), "fd00:4242:7777:102:3::1");
  EXPECT_EQ(admin("PATCH", "settings", {{"ipv4Prefix", "172.23.0.0/26"}}).status, 200);
}

TEST_F(ServiceTest, ADeletedNodesIdIsTheNextOnes) {
  add(draft());
  EXPECT_EQ(admin("DELETE", "nodes/jp1").status, 409) << "it has a session";
  EXPECT_EQ(admin("DELETE", "nodes/jp1?force=1").status, 204);
  EXPECT_EQ(admin("GET", "nodes/jp1").status, 404);
  EXPECT_EQ(admin("DELETE", "nodes/jp1").status, 404);
  EXPECT_EQ(agent("GET", "sessions").status, 401);
  const auto added = json::parse(admin("POST", "nodes", {{"name", "jp1"}, {"region", "AS-E"}}).body);
  EXPECT_EQ(added.at("id").as_int64(), 2);
  EXPECT_TRUE(added.at("publicIpv4").is_null());
  EXPECT_EQ(agent("GET", "sessions").status, 401) << "the token of before";
}

TEST_F(ServiceTest, AReadWithItsTagIsNotRepeated) {
  for (const char* action : {"sessions", "mesh", "bird-config"}) {
    const auto first = agent("GET", action);
    const auto tag = first.headers.find("ETag");
    ASSERT_TRUE(tag) << action;
    EXPECT_TRUE(tag->starts_with('"')) << "strong";
    const auto again = agent("GET", action, "", {{"If-None-Match", std::string(*tag)}});
    EXPECT_EQ(again.status, 304);
    EXPECT_EQ(again.body, "");
    EXPECT_EQ(again.headers.find("ETag"), tag);
    EXPECT_EQ(agent("GET", action, "", {{"If-None-Match", "\"other\""}}).status, 200);
  }
}

TEST_F(ServiceTest, OffersAndAnswersBatches) {
  EXPECT_EQ(agent("GET", "sessions").headers.find("X-MoeNet-Features"), "batch-modify");
  json::object body = draft();
  body["approve"] = true;
  const std::string uuid = add(body);
  const auto answer = agent(
      "POST", "modify",
      json::serialize(json::object{
          {"updates", json::array{json::object{{"uuid", uuid}, {"status", 2}},
                                  json::object{{"uuid", "00000000-0000-4000-8000-000000000000"}, {"status", 2}},
                                  json::object{{"uuid", uuid}, {"status", 8}}, json::object{{"status", 2}}, 7}}}));
  EXPECT_EQ(answer.status, 200);
  const auto results = json::parse(answer.body).at("data").at("results").as_array();
  ASSERT_EQ(results.size(), 5u);
  EXPECT_EQ(results[0].at("code").as_int64(), 0);
  EXPECT_EQ(results[1].at("code").as_int64(), 404);
  EXPECT_EQ(results[2].at("code").as_int64(), 422);
  EXPECT_EQ(results[3].at("code").as_int64(), 422);
  EXPECT_EQ(results[4].at("code").as_int64(), 500);
  EXPECT_EQ(only_session_of_agent().at("status").as_int64(), 2);
}

TEST_F(ServiceTest, RepeatedPostsAreHarmless) {
  const std::string uuid = add(draft());
  for (int i = 0; i < 2; ++i) EXPECT_EQ(admin("POST", "sessions/" + uuid + "/approve").status, 200);
  for (int i = 0; i < 2; ++i) EXPECT_NE(modify(uuid, 2).find("\"code\":0"), std::string::npos);
  EXPECT_NE(modify(uuid, 0).find("deleted"), std::string::npos);
  EXPECT_NE(modify(uuid, 0).find("\"code\":404"), std::string::npos);
}

TEST_F(ServiceTest, KeepsTheLatestReportOfEachSession) {
  const std::string uuid = add(draft());
  agent("POST", "report",
        R"({"sessions":[{"name":"dn42_4242420101","uuid":")" + uuid + R"(","state":"Established","mtu":1420}]})");
  const auto shown = json::parse(admin("GET", "sessions/" + uuid).body);
  EXPECT_EQ(shown.at("report").at("state").as_string(), "Established");
}

TEST_F(ServiceTest, ShowsTheLatestReportOfTheMesh) {
  EXPECT_EQ(json::serialize(json::parse(admin("GET", "nodes/jp1").body).at("mesh")), "[]");
  EXPECT_TRUE(json::parse(admin("GET", "nodes/jp1").body).at("meshReportedAt").is_null());
  agent("POST", "mesh/status", R"({"node_id":"jp1","peers":{"1":"configured","27":"configured"}})");
  const auto answer = agent("POST", "mesh/status",
                            R"({"node_id":"jp1","peers":{"1":"configured"},
                                "links":{"1":{"handshakeAge":7,"babel":true,"rtt":2,"new":[]}}})");
  EXPECT_EQ(answer.status, 200);
  const auto shown = json::parse(admin("GET", "nodes/jp1").body);
  EXPECT_EQ(json::serialize(shown.at("mesh")),
            R"([{"id":1,"node":"hk-rr","state":"configured","handshakeAge":7,"babel":true,"rtt":2}])");
  EXPECT_GT(shown.at("meshReportedAt").as_int64(), 0);
}

TEST_F(ServiceTest, ShowsThatANodeDrains) {
  const std::pair<const char*, bool> cases[] = {
      {"true", true},
      {"false", false},
      {"null", false},
      {R"({"state":"draining","since":1})", true},
      {R"({"state":"drained","since":1})", true},
      {R"({"state":"off"})", false},
      {R"({"since":1})", false},
      {R"("yes")", false},
      {"7", false},
  };
  EXPECT_FALSE(json::parse(admin("GET", "nodes/jp1").body).at("draining").as_bool()) << "before any heartbeat";
  for (const auto& [maintenance, drains] : cases) {
    const std::string beat = std::string(R"({"node_id":"jp1","status":{"maintenance":)") + maintenance + "}}";
    ASSERT_EQ(request("POST", "/api/v1/agent/heartbeat", "token-of-jp1", {}, beat).status, 200) << maintenance;
    EXPECT_EQ(json::parse(admin("GET", "nodes/jp1").body).at("draining").as_bool(), drains) << maintenance;
    EXPECT_EQ(json::parse(admin("GET", "nodes").body).at("nodes").at(1).at("draining").as_bool(), drains);
  }
}

TEST_F(ServiceTest, BirdConfigIsNotFoundWithoutAPolicy) {
  admin("PATCH", "settings", {{"policy", nullptr}});
  const auto answer = agent("GET", "bird-config");
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(json::parse(answer.body).at("code").as_int64(), 404);
}

TEST_F(ServiceTest, SettingsNameTheFaultyMember) {
  expect_field(admin("PATCH", "settings", {{"asn", 0}}), "asn");
  expect_field(admin("PATCH", "settings", {{"ipv4Prefix", "fd00::/8"}}), "ipv4Prefix");
  expect_field(admin("PATCH", "settings", {{"ipv4Prefix", "172.22.188.1/26"}}), "ipv4Prefix");
  expect_field(admin("PATCH", "settings", {{"ipv6Prefix", "fd00:4242:7777:1::/48"}}), "ipv6Prefix");
  EXPECT_EQ(admin("PATCH", "settings", {{"ipv4Prefix", "172.22.188.64/26"}, {"ipv6Prefix", "fd00::/8"}}).status, 200);
  expect_field(admin("PATCH", "settings", {{"policy", {{"asPathMaxLen", 0}}}}), "policy.asPathMaxLen");
  expect_field(admin("PATCH", "settings", {{"colour", "red"}}), "colour");
  const auto servers = [&](json::array list) {
    return admin("PATCH", "settings", {{"policy", {{"rpkiServers", std::move(list)}}}});
  };
  const auto server = [](const char* name, const char* host) { return json::object{{"name", name}, {"host", host}}; };
  expect_field(servers({server("a;b", "x")}), "policy.rpkiServers[0].name");
  expect_field(servers({server("a", "x"), server("b", "x:1")}), "policy.rpkiServers[1].host");
  expect_field(servers({server("a-b", "x"), server("a_b", "y")}), "policy.rpkiServers[1].name");
  EXPECT_EQ(servers({server("a-b", "rpki.example.net"), server("c", "2001:db8::1")}).status, 200);
}

TEST_F(ServiceTest, TheBlocklistReachesTheNodes) {
  const auto blocklist_of = [&](const http::Response& answer) {
    const auto body = json::parse(answer.body);
    const json::value* list = body.at("data").at("policy").as_object().if_contains("blocklist");
    return list == nullptr ? std::string("none") : json::serialize(*list);
  };
  EXPECT_EQ(blocklist_of(agent("GET", "bird-config")), "none") << "as deployed agents know it";
  const json::array asns = {"4242420002", 4'242'420'001, 4'242'420'002};
  const json::array prefixes = {"fd00:1::/48", "172.20.1.0/24"};
  const auto set = admin("PATCH", "settings", {{"policy", {{"blocklist", {{"asns", asns}, {"prefixes", prefixes}}}}}});
  ASSERT_EQ(set.status, 200) << set.body;
  EXPECT_EQ(blocklist_of(agent("GET", "bird-config")),
            R"({"asns":[4242420001,4242420002],"prefixes":["172.20.1.0/24","fd00:1::/48"]})");
  admin("PATCH", "settings", {{"policy", {{"blocklist", {{"asns", nullptr}}}}}});
  EXPECT_EQ(blocklist_of(agent("GET", "bird-config")), R"({"asns":[],"prefixes":["172.20.1.0/24","fd00:1::/48"]})");
  admin("PATCH", "settings", {{"policy", {{"blocklist", nullptr}}}});
  EXPECT_EQ(blocklist_of(agent("GET", "bird-config")), "none");

  const auto refused = [&](const char* key, json::value value) {
    return admin("PATCH", "settings", {{"policy", {{"blocklist", {{key, std::move(value)}}}}}});
  };
  expect_field(refused("asns", json::array{0}), "policy.blocklist.asns");
  expect_field(refused("asns", json::array{"AS1"}), "policy.blocklist.asns");
  expect_field(refused("asns", 5), "policy.blocklist.asns");
  expect_field(refused("asns", json::array(1'001, 1)), "policy.blocklist.asns");
  expect_field(refused("prefixes", json::array{"172.20.1.1/24"}), "policy.blocklist.prefixes");
  expect_field(refused("prefixes", json::array{"::/0"}), "policy.blocklist.prefixes");
  expect_field(refused("prefixes", json::array{7}), "policy.blocklist.prefixes");
  expect_field(refused("names", json::array()), "policy.blocklist.names");
}

TEST_F(ServiceTest, PresharedKeysOfTheMeshAreTheNodesOnly) {
  const auto key_of = [&](const std::string& node) {
    const auto answer = request("GET", "/api/v1/agent/" + node + "/mesh", "token-of-" + node);
    const auto body = json::parse(answer.body);
    const json::value* key = body.at("data").at("peers").at(0).as_object().if_contains("presharedKey");
    return key == nullptr ? std::string() : std::string(key->as_string());
  };
  EXPECT_EQ(key_of("jp1"), "") << "a deployed agent would not set it";
  expect_field(admin("PATCH", "settings", {{"mesh", {{"presharedKeys", "maybe"}}}}), "mesh.presharedKeys");
  expect_field(admin("PATCH", "settings", {{"mesh", {{"colour", 1}}}}), "mesh.colour");
  ASSERT_EQ(admin("PATCH", "settings", {{"mesh", {{"presharedKeys", true}}}}).status, 200);
  const std::string key = key_of("jp1");
  EXPECT_TRUE(Key::from_base64(key)) << key;
  EXPECT_EQ(key_of("hk-rr"), key);
  start(std::nullopt);
  EXPECT_EQ(key_of("jp1"), key) << "after a restart";

  const Secret secret = must(store_->network_secret());
  for (const char* path : {"settings", "nodes", "nodes/jp1", "sessions"}) {
    const std::string body = admin("GET", path).body;
    EXPECT_EQ(body.find(secret.reveal()), std::string::npos) << path;
    EXPECT_EQ(body.find(key), std::string::npos) << path;
  }
  admin("DELETE", "nodes/jp1");
  must(store_->add_node(testing::node_of(2, "jp1", 101, false, "1G"), hash_of_token("token-of-jp1")));
  EXPECT_NE(key_of("jp1"), key) << "the id is the old one's, the key is not";
  admin("PATCH", "settings", {{"mesh", {{"presharedKeys", false}}}});
  EXPECT_EQ(key_of("jp1"), "");
}

TEST_F(ServiceTest, SlowsDownWhoGuessesTokensAndNobodyElse) {
  for (int i = 0; i < 300; ++i) ASSERT_EQ(request("GET", "/api/v1/agent/jp1/sessions", "wrong").status, 401) << i;
  const auto limited = request("GET", "/api/v1/agent/jp1/sessions", "wrong");
  EXPECT_EQ(limited.status, 429);
  EXPECT_TRUE(limited.headers.find("Retry-After"));
  EXPECT_GT(json::parse(limited.body).at("retryAfter").as_int64(), 0);
  EXPECT_EQ(agent("GET", "sessions").status, 200);
}

TEST_F(ServiceTest, HealthIsForEveryone) {
  const auto answer = moenet::testing::exchange(service_->port(), "GET", "/health");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(json::parse(answer.body).at("status").as_string(), "ok");
}

TEST_F(ServiceTest, EveryAnswerHasItsHeaders) {
  const auto raw = [&](std::string_view method, std::string_view path, std::string_view body = "") {
    return moenet::testing::exchange(service_->port(), method, path, {{"X-Request-ID", "abc"}}, body);
  };
  const std::pair<http::Response, int> answers[] = {
      {raw("GET", "/health"), 200},
      {raw("GET", "/nowhere"), 404},
      {raw("PUT", "/api/v1/agent/jp1/sessions"), 404},
      {raw("OPTIONS", "/api/v1/agent/jp1/sessions"), 204},
      {raw("GET", "/api/v1/agent/jp1/sessions"), 401},
      {raw("GET", "/api/v1/admin/nodes"), 403},
      {raw("POST", "/api/v1/agent/heartbeat", std::string((1u << 20) + 1, 'x')), 413},
  };
  for (const auto& [answer, status] : answers) {
    EXPECT_EQ(answer.status, status);
    EXPECT_EQ(answer.headers.find("X-Request-ID"), "abc") << status;
    EXPECT_EQ(answer.headers.find("X-MoeNet-Features"), "batch-modify") << status;
    EXPECT_EQ(answer.headers.find("Cache-Control"), "no-store") << status;
  }
}

TEST_F(ServiceTest, EchoesAHarmlessRequestIdOnly) {
  EXPECT_EQ(agent("GET", "config", "", {{"X-Request-ID", "abc-123"}}).headers.find("X-Request-ID"), "abc-123");
  EXPECT_NE(agent("GET", "config", "", {{"X-Request-ID", "a b"}}).headers.find("X-Request-ID"), "a b");
}

}  // namespace
}  // namespace moenet::controlplane
