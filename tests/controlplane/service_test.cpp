// The agent API over real sockets and what holds for every request: tokens, tags, batches, headers.
#include "controlplane/service_fixture.h"

namespace moenet::controlplane {
namespace {

namespace json = boost::json;

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
  EXPECT_EQ(agent("GET", "sessions").headers.find("X-MoeNet-Features"), "batch-modify, queries");
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

TEST_F(ServiceTest, TakesAReportInParts) {
  const std::string uuid = add(draft());
  const std::string session = R"({"name":"dn42_4242420101","uuid":")" + uuid + R"(","state":"Established"})";
  agent("POST", "report", R"({"part":1,"parts":2,"sessions":[)" + session + "]}");
  EXPECT_EQ(agent("POST", "report", R"({"part":2,"parts":2,"sessions":[{"name":"dn42_7"}]})").status, 200);
  EXPECT_TRUE(json::parse(admin("GET", "sessions/" + uuid).body).at("report").is_object()) << "of the first part";
  agent("POST", "report", R"({"sessions":[]})");
  EXPECT_FALSE(json::parse(admin("GET", "sessions/" + uuid).body).at("report").is_object());
}

TEST_F(ServiceTest, BirdConfigIsNotFoundWithoutAPolicy) {
  admin("PATCH", "settings", {{"policy", nullptr}});
  const auto answer = agent("GET", "bird-config");
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(json::parse(answer.body).at("code").as_int64(), 404);
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
  must(store_->add_node(testing::kTester, testing::node_of(2, "jp1", 101, false, "1G"), hash_of_token("token-of-jp1")));
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
    EXPECT_EQ(answer.headers.find("X-MoeNet-Features"), "batch-modify, queries") << status;
    EXPECT_EQ(answer.headers.find("Cache-Control"), "no-store") << status;
  }
}

TEST_F(ServiceTest, EchoesAHarmlessRequestIdOnly) {
  EXPECT_EQ(agent("GET", "config", "", {{"X-Request-ID", "abc-123"}}).headers.find("X-Request-ID"), "abc-123");
  EXPECT_NE(agent("GET", "config", "", {{"X-Request-ID", "a b"}}).headers.find("X-Request-ID"), "a b");
}

}  // namespace
}  // namespace moenet::controlplane
