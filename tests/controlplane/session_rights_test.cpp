// The API as each role meets it, over real sockets: the paths below /api/v1 and, for admins, below /api/v1/admin.
#include "controlplane/session_rights.h"

#include <future>
#include <set>
#include <thread>
#include <vector>

#include "controlplane/roles_fixture.h"

namespace moenet::controlplane {
namespace {

namespace json = boost::json;

using SessionRightsTest = RolesTest;

TEST_F(SessionRightsTest, NobodyIsToldToSignIn) {
  for (const char* path : {"nodes", "nodes/jp1", "sessions", "mesh", "settings", "blocklist"}) {
    EXPECT_EQ(call("nonsense", "GET", path).status, 401) << path;
    EXPECT_EQ(call("token-of-jp1", "GET", path).status, 401) << path << ": nodes are no people";
  }
}

TEST_F(SessionRightsTest, WhatIsForAdminsIsDeniedToUsers) {
  const std::pair<const char*, const char*> calls[] = {{"GET", "settings"},
                                                       {"PATCH", "settings"},
                                                       {"GET", "blocklist"},
                                                       {"PUT", "blocklist"},
                                                       {"POST", "nodes"},
                                                       {"PATCH", "nodes/jp1"},
                                                       {"DELETE", "nodes/jp1"},
                                                       {"POST", "nodes/jp1/token"},
                                                       {"DELETE", "nodes/jp1/token"},
                                                       {"POST", "nodes/jp1/bootstrap"},
                                                       {"GET", "nodes/jp1/series"},
                                                       {"GET", "admin/sessions"},
                                                       {"GET", "admin/nodes"}};
  for (const auto& [method, path] : calls) EXPECT_EQ(user(method, path).status, 403) << method << " " << path;
  EXPECT_EQ(call(admin_, "GET", "nodes/jp1/series").status, 200);
  EXPECT_EQ(call(admin_, "GET", "settings").status, 200);
}

TEST_F(SessionRightsTest, AUserRequestsAndRunsTheirOwnSession) {
  json::object body = draft();
  body.erase("asn");
  const auto added = user("POST", "sessions", body);
  ASSERT_EQ(added.status, 201) << added.body;
  const auto session = json::parse(added.body);
  EXPECT_EQ(session.at("asn").as_int64(), kOwn);
  EXPECT_EQ(session.at("status").as_string(), "PENDING");
  const std::string path = "sessions/" + std::string(session.at("uuid").as_string());
  EXPECT_EQ(user("GET", path).status, 200);
  for (const char* rest : {"/series", "/events"}) EXPECT_EQ(user("GET", path + rest).status, 200) << rest;
  for (const char* move : {"/approve", "/reject"}) EXPECT_EQ(user("POST", path + move).status, 403) << move;
  EXPECT_EQ(status_in(call(admin_, "POST", path + "/approve")), "QUEUED_FOR_SETUP");
  EXPECT_EQ(status_in(user("POST", path + "/disable")), "DISABLED");
  EXPECT_EQ(status_in(user("POST", path + "/enable")), "QUEUED_FOR_SETUP");
  EXPECT_EQ(status_in(user("PATCH", path, json::object{{"mtu", 1400}})), "QUEUED_FOR_SETUP");
  EXPECT_EQ(user("DELETE", path + "?force=1").status, 403) << "its node may still have it";
  EXPECT_EQ(status_in(user("DELETE", path)), "QUEUED_FOR_DELETE");
}

TEST_F(SessionRightsTest, WhatOperatorsChooseIsRefusedByName) {
  for (const auto& [member, value] : {std::pair<const char*, json::value>{"approve", true},
                                      {"asn", kOthers},
                                      {"interface", "dn42-mine"},
                                      {"importLimit", 100'000}}) {
    json::object body = draft();
    body[member] = value;
    expect_field(user("POST", "sessions", body), member, 403);
  }
  EXPECT_EQ(json::parse(user("GET", "sessions").body).at("sessions").as_array().size(), 0u);
  const std::string path = "sessions/" + requested();
  expect_field(user("PATCH", path, json::object{{"asn", kOthers}}), "asn", 403);
  expect_field(user("PATCH", path, json::object{{"interface", "dn42-mine"}}), "interface", 403);
  EXPECT_EQ(call(admin_, "PATCH", path, json::object{{"interface", "dn42-mine"}}).status, 200);
  EXPECT_EQ(user("PATCH", path, json::object{{"interface", "dn42-mine"}, {"mtu", 1400}}).status, 200) << "as it is";
}

TEST_F(SessionRightsTest, SessionsOfOthersAreAsGoodAsAbsent) {
  const std::string uuid = of_others();
  const std::string path = "sessions/" + uuid;
  const std::string none = "sessions/11111111-2222-4333-8444-555555555555";
  const HeaderList stale{{"If-Match", "\"7\""}};
  for (const auto& [method, rest] : {std::pair("GET", ""),
                                     {"GET", "/series"},
                                     {"GET", "/events"},
                                     {"PATCH", ""},
                                     {"DELETE", ""},
                                     {"DELETE", "?force=1"},
                                     {"POST", "/disable"},
                                     {"POST", "/enable"},
                                     {"POST", "/approve"}}) {
    const json::value body = std::string_view(method) == "PATCH" ? json::value(json::object{{"mtu", 1400}}) : nullptr;
    const auto theirs = user(method, path + rest, body, stale);
    const auto absent = user(method, none + rest, body, stale);
    EXPECT_EQ(theirs.status, 404) << method << rest << theirs.body;
    EXPECT_EQ(absent.status, 404) << method << rest << absent.body;
  }
  EXPECT_EQ(json::parse(user("GET", "sessions?asn=4242420102").body).at("sessions").as_array().size(), 0u);
  EXPECT_EQ(call(admin_, "GET", path).status, 200) << "and nothing became of it";
}

TEST_F(SessionRightsTest, AUserWithoutAnASHasNoSessions) {
  of_others();
  const std::string token = person(json::object{{"name", "guest"}}, "guest");
  EXPECT_EQ(json::parse(call(token, "GET", "sessions").body).at("sessions").as_array().size(), 0u);
  expect_field(call(token, "POST", "sessions", draft()), "asn", 403);
}

TEST_F(SessionRightsTest, OfNodesAUserSeesWhatAPeerNeeds) {
  const auto node = json::parse(user("GET", "nodes/jp1").body).as_object();
  EXPECT_EQ(node.at("publicIpv4").as_string(), "127.0.0.12");
  EXPECT_FALSE(node.at("up").as_bool());
  for (const char* member : {"status", "agentVersion", "mesh", "changes", "lastSeen"})
    EXPECT_FALSE(node.contains(member)) << member;
  EXPECT_TRUE(json::parse(call(admin_, "GET", "nodes/jp1").body).as_object().contains("status"));
  EXPECT_EQ(agent("POST", "heartbeat", R"({"node_id":"jp1","agent_version":"x"})").status, 200);
  EXPECT_TRUE(json::parse(user("GET", "nodes/jp1").body).at("up").as_bool());
}

TEST_F(SessionRightsTest, ListsComeInParts) {
  std::vector<std::string> seen;
  for (const char* list : {"nodes", "sessions"}) {
    for (int i = 0; i < 3 && std::string_view(list) == "sessions"; ++i) {
      json::object body = draft(kOwn + i);
      body["ipv6LinkLocal"] = "fe80::" + std::to_string(101 + i);
      add(body);
    }
    std::string path = std::string(list) + "?limit=2";
    std::vector<std::string> names;
    for (int parts = 1; parts < 4; ++parts) {
      const auto part = json::parse(call(admin_, "GET", path).body);
      for (const json::value& item : part.at(list).as_array()) names.emplace_back(item.at("uuid").as_string());
      if (part.at("next").is_null()) break;
      path = std::string(list) + "?limit=2&after=" + std::string(part.at("next").as_string());
    }
    EXPECT_EQ(names.size(), 3u) << list;
    EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), 3u) << list;
    expect_field(call(admin_, "GET", std::string(list) + "?after=x"), "after");
    expect_field(call(admin_, "GET", std::string(list) + "?limit=0"), "limit");
    EXPECT_EQ(json::parse(admin("GET", list).body).at(list).as_array().size(), 3u) << "the older spelling";
  }
  EXPECT_EQ(json::parse(call(admin_, "GET", "sessions?q=AS4242420102").body).at("sessions").as_array().size(), 1u);
  EXPECT_EQ(json::parse(call(admin_, "GET", "sessions?q=peer.example").body).at("sessions").as_array().size(), 3u);
}

TEST_F(SessionRightsTest, ReadsHaveTagsAndWait) {
  const std::string uuid = requested();
  for (const std::string& path : {std::string("sessions"), "sessions/" + uuid}) {
    const std::string tag(user("GET", path).headers.find("ETag").value_or(""));
    EXPECT_EQ(user("GET", path, nullptr, {{"If-None-Match", tag}}).status, 304) << path;
    auto waiting = std::async(std::launch::async, [&] {
      return user("GET", path, nullptr, {{"If-None-Match", tag}, {"Prefer", "wait=50"}});
    });
    while (service_->waiting_reads() == 0) std::this_thread::yield();
    EXPECT_EQ(call(admin_, "PATCH", "sessions/" + uuid, json::object{{"name", path}}).status, 200);
    const auto answer = waiting.get();
    EXPECT_EQ(answer.status, 200) << path;
    EXPECT_NE(answer.body.find('"' + path + '"'), std::string::npos) << answer.body;
  }
}

TEST_F(SessionRightsTest, ATagAllowsAChangeOfWhatWasRead) {
  const std::string path = "sessions/" + requested();
  const std::string tag(user("GET", path).headers.find("ETag").value_or(""));
  EXPECT_EQ(user("PATCH", path, json::object{{"mtu", 1400}}, {{"If-Match", tag}}).status, 200);
  EXPECT_EQ(user("PATCH", path, json::object{{"mtu", 1380}}, {{"If-Match", tag}}).status, 412);
  for (const char* other : {"\"1-\"", "\"x-1\"", "\"1x\""})
    EXPECT_EQ(user("PATCH", path, json::object{{"mtu", 1380}}, {{"If-Match", other}}).status, 412) << other;
}

TEST_F(SessionRightsTest, TheMeshIsToldByBothEnds) {
  const std::string report = R"({"peers":{"1":"up"},"links":{"1":{"handshakeAge":5,"babel":true,"rtt":3.5}}})";
  EXPECT_EQ(agent("POST", "mesh/status", report).status, 200);
  const json::value link = {{"from", "jp1"},     {"to", "hk-rr"}, {"state", "up"},
                            {"handshakeAge", 5}, {"babel", true}, {"rtt", 3.5}};
  EXPECT_EQ(json::parse(call(admin_, "GET", "mesh").body).at("links"), json::value(json::array{link}));
  const json::value shown = {{"from", "jp1"}, {"to", "hk-rr"}, {"state", "up"}};
  EXPECT_EQ(json::parse(user("GET", "mesh").body).at("links"), json::value(json::array{shown}));
}

TEST_F(SessionRightsTest, TheBlocklistIsPutAsAWhole) {
  const auto put = call(admin_, "PUT", "blocklist", json::object{{"asns", {kOthers, 64'512}}});
  EXPECT_EQ(put.status, 200) << put.body;
  const json::object wanted{{"asns", {64'512, kOthers}}, {"prefixes", json::array()}};
  const auto read = call(admin_, "GET", "blocklist");
  EXPECT_EQ(json::parse(read.body), wanted);
  const std::string tag(read.headers.find("ETag").value_or(""));
  const json::object network{{"prefixes", {"172.20.1.0/24"}}};
  EXPECT_EQ(call(admin_, "PATCH", "blocklist", network, {{"If-Match", tag}}).status, 200);
  EXPECT_EQ(call(admin_, "PATCH", "blocklist", network, {{"If-Match", tag}}).status, 412);
  EXPECT_EQ(json::parse(call(admin_, "GET", "blocklist").body).at("asns").as_array().size(), 2u);
  EXPECT_EQ(call(admin_, "PUT", "blocklist", network).status, 200);
  EXPECT_EQ(json::parse(call(admin_, "GET", "blocklist").body).at("asns").as_array().size(), 0u);
  expect_field(call(admin_, "PUT", "blocklist", json::object{{"asns", "all"}}), "asns");
  expect_field(call(admin_, "PUT", "blocklist", json::object{{"colour", 1}}), "colour");
}

}  // namespace
}  // namespace moenet::controlplane
