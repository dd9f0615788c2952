// The looking glass over real sockets: people, agents, and two control planes on one database.
#include "controlplane/query_api.h"

#include <thread>

#include "controlplane/roles_fixture.h"
#include "controlplane/test_databases.h"

namespace moenet::controlplane {
namespace {

using moenet::testing::RawConnection;
using moenet::testing::request_text;

const json::object kPath{{"tool", "path"}, {"target", "172.20.0.53"}};

std::unique_ptr<RawConnection> sent(std::uint16_t port, std::string_view method, const std::string& path,
                                    const std::string& token, HeaderList headers = {}, const std::string& body = {}) {
  auto connection = std::make_unique<RawConnection>(port);
  headers.emplace_back("Authorization", "Bearer " + token);
  connection->send(request_text(method, path, headers, body));
  return connection;
}

std::unique_ptr<RawConnection> held_read(std::uint16_t port, int seconds = 50, const std::string& node = "jp1") {
  return sent(port, "GET", "/api/v1/agent/" + node + "/queries", "token-of-" + node,
              {{"Prefer", "wait=" + std::to_string(seconds)}});
}

json::array queries_in(const http::Response& answer) {
  EXPECT_EQ(answer.status, 200) << answer.body;
  return json::parse(answer.body).at("data").at("queries").as_array();
}

class QueryApiTest : public RolesTest {
 protected:
  QueryApiTest() { beat(R"(["route","path","ping"])"); }

  void beat(const std::string& tools) {
    EXPECT_EQ(agent("POST", "heartbeat", R"({"node_id":"jp1","status":{"lookingGlass":)" + tools + "}}").status, 200);
  }
  // As a person of role user asks.
  std::unique_ptr<RawConnection> asked(const json::value& body = kPath) {
    return sent(service_->port(), "POST", "/api/v1/nodes/jp1/queries", user_, {}, json::serialize(body));
  }
  std::string answer(const std::string& id, const std::string& body, int status = 200) {
    const auto answered = agent("POST", "queries/" + id, body);
    EXPECT_EQ(answered.status, status) << answered.body;
    return answered.body;
  }
  std::string count_of(const std::string& outcome) {
    const std::string text = request("GET", "/metrics", testing::kAdminToken).body;
    const std::string series = "\nmoenet_controlplane_queries_total{outcome=\"" + outcome + "\"} ";
    const std::size_t at = text.find(series) + series.size();
    return text.substr(at, text.find('\n', at) - at);
  }
};

TEST_F(QueryApiTest, AUserAsksANodeAndGetsWhatItsAgentSays) {
  const auto read = held_read(service_->port());
  const auto person = asked();
  const auto queries = queries_in(read->response());
  ASSERT_EQ(queries.size(), 1u);
  EXPECT_EQ(queries[0].at("tool").as_string(), "path");
  EXPECT_EQ(queries[0].at("arguments"), (json::object{{"target", "172.20.0.53"}}));
  EXPECT_FALSE(person->has_answer_within(0));
  answer(std::string(queries[0].at("id").as_string()), R"({"result":"4242420053\n","data":{"asns":[4242420053]}})");
  const auto told = person->response();
  ASSERT_EQ(told.status, 200) << told.body;
  const auto body = json::parse(told.body);
  EXPECT_EQ(body.at("node").as_string(), "jp1");
  EXPECT_EQ(body.at("result").as_string(), "4242420053\n");
  EXPECT_EQ(body.at("data").at("asns").at(0).as_int64(), 4'242'420'053);
  EXPECT_EQ(count_of("answered"), "1");
  answer(std::string(queries[0].at("id").as_string()), R"({"result":"again"})", 404);
}

TEST_F(QueryApiTest, WhatTheNodeRefusesIsAProblem) {
  const auto person = asked();
  const auto queries = queries_in(held_read(service_->port())->response());
  answer(std::string(queries.at(0).at("id").as_string()), R"({"status":422,"error":"target: no such thing"})");
  expect_field(person->response(), "target");
  EXPECT_EQ(count_of("refused"), "1");
}

TEST_F(QueryApiTest, AReadWithoutQueriesEndsWithNoneWhenItsTimeIsOver) {
  EXPECT_TRUE(queries_in(agent("GET", "queries")).empty()) << "which was not asked to wait";
  const auto read = held_read(service_->port(), 1);
  EXPECT_FALSE(read->has_answer_within(300));
  EXPECT_TRUE(queries_in(read->response()).empty());
  EXPECT_EQ(request("HEAD", "/api/v1/agent/jp1/queries", "token-of-jp1").status, 404);
}

TEST_F(QueryApiTest, IsForWhoIsSignedIn) {
  const std::string path = "/api/v1/nodes/jp1/queries";
  const std::string body = json::serialize(kPath);
  EXPECT_EQ(request("POST", path, "nobody", {}, body).status, 401);
  EXPECT_EQ(request("POST", path, "token-of-jp1", {}, body).status, 401) << "a node is no person";
  EXPECT_EQ(user("POST", "nodes/none/queries", kPath).status, 404);
  EXPECT_EQ(request("GET", "/api/v1/agent/jp1/queries", "token-of-de1").status, 403);
  EXPECT_EQ(request("GET", "/api/v1/agent/jp1/queries", user_).status, 401);
  EXPECT_EQ(request("POST", "/api/v1/agent/jp1/queries/x", "token-of-de1", {}, R"({"result":""})").status, 403);
  EXPECT_EQ(agent("POST", "queries/x", R"({"result":""})").status, 404);
  EXPECT_EQ(agent("POST", "queries/x", "no JSON").status, 422);
}

TEST_F(QueryApiTest, WhatIsAskedIsReadAtTheDoor) {
  expect_field(user("POST", "nodes/jp1/queries", json::object{{"tool", "reboot"}, {"target", "x"}}), "tool");
  expect_field(user("POST", "nodes/jp1/queries", json::object{{"tool", "ping"}, {"target", "a b"}}), "target");
  EXPECT_EQ(request("POST", "/api/v1/nodes/jp1/queries", user_, {}, "no JSON").status, 422);
}

TEST_F(QueryApiTest, WhatTheNodeDoesNotOfferIsRefusedAtOnce) {
  expect_field(user("POST", "nodes/jp1/queries", json::object{{"tool", "tcping"}, {"target", "a:1"}}), "tool", 409);
  beat("[]");
  expect_field(user("POST", "nodes/jp1/queries", kPath), "tool", 409);
  EXPECT_EQ(user("POST", "nodes/de1/queries", kPath).status, 503) << "it was never heard of";
  EXPECT_EQ(count_of("unavailable"), "3");
}

TEST_F(QueryApiTest, WhoAsksTooOftenWaits) {
  std::vector<std::unique_ptr<RawConnection>> people;
  for (int i = 0; i < 8; ++i) people.push_back(asked());
  http::Response last;
  for (int i = 0; i < 100 && last.status != 429; ++i) {
    const auto person = asked();
    if (person->has_answer_within(100)) last = person->response();
  }
  EXPECT_EQ(last.status, 429) << last.body;
  EXPECT_TRUE(last.headers.find("Retry-After"));
  EXPECT_EQ(last.headers.find("Content-Type"), "application/problem+json");
  EXPECT_NE(count_of("limited"), "0");
}

TEST_F(QueryApiTest, AnAgentThatDoesNotAnswerIsToldOf) {
  service_.reset();
  ServiceSettings settings;
  settings.listen = {{{IpAddress::v4({127, 0, 0, 1}), 0}}};
  settings.keys = {Secret(testing::kAdminToken), std::nullopt};
  settings.queries.patience = std::chrono::milliseconds(300);
  service_ = must(Service::start(*store_, settings));
  const auto told = asked()->response();
  EXPECT_EQ(told.status, 504) << told.body;
  EXPECT_EQ(told.headers.find("Content-Type"), "application/problem+json");
  EXPECT_EQ(count_of("unanswered"), "1");
}

TEST_F(QueryApiTest, AStopEndsAllOfIt) {
  const auto read = held_read(service_->port(), 50, "de1");
  const auto person = asked();
  for (int i = 0; i < 1'000; ++i) {
    if (request("GET", "/metrics", testing::kAdminToken).body.contains("moenet_controlplane_open_queries 1")) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_TRUE(service_->finish(Deadline::after(std::chrono::seconds(10))));
  EXPECT_TRUE(queries_in(read->response()).empty());
  EXPECT_EQ(person->response().status, 503);
}

// The person asks one of them, the agent waits at the other.
class TwoControlPlanesAsked : public ::testing::Test {
 protected:
  TwoControlPlanesAsked() {
    testing::add_sample_nodes(*stores_[0]);
    for (std::size_t i = 0; i < 2; ++i) {
      ServiceSettings settings;
      settings.listen = {{{IpAddress::v4({127, 0, 0, 1}), 0}}};
      settings.keys = {Secret(testing::kAdminToken), std::nullopt};
      settings.others = stores_[i].get();
      services_.push_back(must(Service::start(*stores_[i], settings)));
    }
    // Tokens of nodes come to the other by notification.
    for (int i = 0; i < 1'000; ++i) {
      if (moenet::testing::exchange(services_[1]->port(), "POST", "/api/v1/agent/jp1/heartbeat",
                                    {{"Authorization", "Bearer token-of-jp1"}},
                                    R"({"node_id":"jp1","status":{"lookingGlass":["path"]}})")
              .status == 200)
        break;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  testing::PostgreSqlTestDatabase database_;
  std::vector<std::unique_ptr<SqlStore>> stores_ = [this] {
    std::vector<std::unique_ptr<SqlStore>> stores;
    for (int i = 0; i < 2; ++i) stores.push_back(database_.open());
    return stores;
  }();
  std::vector<std::unique_ptr<Service>> services_;
};

TEST_F(TwoControlPlanesAsked, ByAPersonAtOneAnswerFromAnAgentAtTheOther) {
  for (const std::size_t size : {std::size_t{10}, std::size_t{60'000}}) {
    const auto read = held_read(services_[1]->port());
    const auto person = sent(services_[0]->port(), "POST", "/api/v1/nodes/jp1/queries", testing::kAdminToken, {},
                             json::serialize(kPath));
    const auto queries = queries_in(read->response());
    ASSERT_EQ(queries.size(), 1u);
    const std::string id(queries[0].at("id").as_string());
    std::string words;
    while (words.size() < size) words += "\u20ac4242420053\n";
    const auto taken = moenet::testing::exchange(services_[1]->port(), "POST", "/api/v1/agent/jp1/queries/" + id,
                                                 {{"Authorization", "Bearer token-of-jp1"}},
                                                 json::serialize(json::object{{"result", words}}));
    EXPECT_EQ(taken.status, 200) << taken.body;
    const auto told = person->response();
    ASSERT_EQ(told.status, 200) << told.body;
    EXPECT_EQ(json::parse(told.body).at("result").as_string(), words);
  }
}

// Its read is at one, and its answer comes to the other, as behind a balancer.
TEST_F(TwoControlPlanesAsked, AnAnswerMayComeAnywhere) {
  const auto read = held_read(services_[0]->port());
  const auto person =
      sent(services_[0]->port(), "POST", "/api/v1/nodes/jp1/queries", testing::kAdminToken, {}, json::serialize(kPath));
  const std::string id(queries_in(read->response()).at(0).at("id").as_string());
  int status = 404;
  for (int i = 0; i < 1'000 && status == 404; ++i) {  // until the other has heard of the query
    status = moenet::testing::exchange(services_[1]->port(), "POST", "/api/v1/agent/jp1/queries/" + id,
                                       {{"Authorization", "Bearer token-of-jp1"}}, R"({"result":"x"})")
                 .status;
    if (status == 404) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(status, 200);
  EXPECT_EQ(person->response().status, 200);
}

}  // namespace
}  // namespace moenet::controlplane
