// Nodes and settings by the admin API over real sockets, and what nodes hear of it.
#include "controlplane/service_fixture.h"

namespace moenet::controlplane {
namespace {

namespace json = boost::json;

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

TEST_F(ServiceTest, AnEditOfWhatSomebodyElseEditedMeanwhileIsRefused) {
  add(draft());
  const std::string session =
      "sessions/" + std::string(json::parse(admin("GET", "sessions").body).at("sessions").at(0).at("uuid").as_string());
  const std::tuple<std::string, json::object, json::object> rows[] = {
      {"nodes/jp1", {{"location", "Osaka"}}, {{"location", "Kobe"}}},
      {"settings", {{"asn", 4'242'421'111}}, {{"asn", 4'242'422'222}}},
      {session, {{"mtu", 1400}}, {{"mtu", 1410}}},
  };
  for (const auto& [path, first, second] : rows) {
    const std::string seen(admin("GET", path).headers.find("ETag").value_or("none"));
    const auto done = admin("PATCH", path, first, {{"If-Match", seen}});
    EXPECT_EQ(done.status, 200) << path << done.body;
    const std::string now(done.headers.find("ETag").value_or("none"));
    EXPECT_NE(now, seen) << path;
    EXPECT_EQ(admin("GET", path).headers.find("ETag"), now) << path;
    for (const std::string& wrong : {seen, "W/" + now, std::string("5"), std::string("\"x\""), std::string("\"\"")}) {
      expect_field(admin("PATCH", path, second, {{"If-Match", wrong}}), "version", 412);
    }
    EXPECT_EQ(admin("PATCH", path, second, {{"If-Match", seen + ", " + now}}).status, 422) << path;
    EXPECT_EQ(admin("GET", path).headers.find("ETag"), now) << "and nothing has changed";
    EXPECT_EQ(admin("PATCH", path, second, {{"If-Match", "*"}}).status, 200) << path;
    EXPECT_EQ(admin("PATCH", path, first).status, 200) << "who does not ask is not refused";
  }
  const std::string stale = "\"1\"";
  expect_field(admin("POST", session + "/approve", nullptr, {{"If-Match", stale}}), "version", 412);
  expect_field(admin("DELETE", session, nullptr, {{"If-Match", stale}}), "version", 412);
  expect_field(admin("DELETE", "nodes/jp1?force=1", nullptr, {{"If-Match", stale}}), "version", 412);
}

TEST_F(ServiceTest, WhatANodeTellsIsNoEditOfIt) {
  const std::string seen(*admin("GET", "nodes/jp1").headers.find("ETag"));
  request("POST", "/api/v1/agent/heartbeat", "token-of-jp1", {},
          R"({"node_id":"jp1","status":{"publicIpv4":"192.0.2.7"}})");
  EXPECT_EQ(admin("GET", "nodes/jp1").headers.find("ETag"), seen);
  EXPECT_EQ(admin("PATCH", "nodes/jp1", {{"location", "Osaka"}}, {{"If-Match", seen}}).status, 200);
}

TEST_F(ServiceTest, ADeletedNodesIdIsTheNextOnes) {
  add(draft());
  EXPECT_EQ(admin("DELETE", "nodes/jp1?force=1").status, 204);
  EXPECT_EQ(admin("GET", "nodes/jp1").status, 404);
  EXPECT_EQ(admin("DELETE", "nodes/jp1").status, 404);
  EXPECT_EQ(agent("GET", "sessions").status, 401);
  const auto added = json::parse(admin("POST", "nodes", {{"name", "jp1"}, {"region", "AS-E"}}).body);
  EXPECT_EQ(added.at("id").as_int64(), 2);
  EXPECT_TRUE(added.at("publicIpv4").is_null());
  EXPECT_EQ(agent("GET", "sessions").status, 401) << "the token of before";
}

TEST_F(ServiceTest, ARotatedTokenReplacesTheOldOne) {
  const auto rotated = admin("POST", "nodes/jp1/token?overlap=0");
  EXPECT_EQ(rotated.status, 200);
  EXPECT_TRUE(json::parse(rotated.body).at("oldTokenEndsAt").is_null());
  const std::string token(json::parse(rotated.body).at("token").as_string());
  EXPECT_EQ(agent("GET", "sessions").status, 401);
  EXPECT_EQ(request("GET", "/api/v1/agent/jp1/sessions", token).status, 200);
}

TEST_F(ServiceTest, ARotationIsNoOutage) {
  const auto rotated = json::parse(admin("POST", "nodes/jp1/token").body);
  const std::string token(rotated.at("token").as_string());
  EXPECT_GT(rotated.at("oldTokenEndsAt").as_int64(), 0);
  EXPECT_EQ(agent("GET", "sessions").status, 200) << "the old one, until the node has the new one";
  EXPECT_EQ(request("GET", "/api/v1/agent/jp1/sessions", token).status, 200);
  EXPECT_EQ(agent("GET", "sessions").status, 200) << "also after the new one was tried";
  EXPECT_EQ(admin("POST", "nodes/jp1/token", {{"overlap", 0}}).status, 200);
  EXPECT_EQ(agent("GET", "sessions").status, 401);
  EXPECT_EQ(request("GET", "/api/v1/agent/jp1/sessions", token).status, 401);
  for (const char* overlap : {"-1", "x", "1.5", "2592001", ""})
    expect_field(admin("POST", "nodes/jp1/token?overlap=" + std::string(overlap)), "overlap");
  expect_field(admin("POST", "nodes/jp1/token", {{"overlap", "1"}}), "overlap");
}

TEST_F(ServiceTest, ARevokedNodeIsNobodyAtOnce) {
  admin("POST", "nodes/jp1/token");
  EXPECT_EQ(admin("DELETE", "nodes/jp1/token").status, 204);
  EXPECT_EQ(agent("GET", "sessions").status, 401) << "the one that was on its way out, too";
  EXPECT_EQ(admin("DELETE", "nodes/nope/token").status, 404);
  EXPECT_EQ(admin("POST", "nodes/jp1/token").status, 200) << "and may be somebody again";
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

}  // namespace
}  // namespace moenet::controlplane
