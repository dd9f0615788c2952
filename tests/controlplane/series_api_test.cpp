// Series and events over real sockets: from what a node posts to what an operator reads.
#include "controlplane/samples.h"
#include "controlplane/service_fixture.h"

namespace moenet::controlplane {
namespace {

namespace json = boost::json;

class SeriesApiTest : public ServiceTest {
 protected:
  static std::int64_t seconds_now() {
    return std::chrono::floor<std::chrono::seconds>(wall_now().time_since_epoch()).count();
  }
  std::string add_approved() {
    json::object body = draft();
    body["approve"] = true;
    return add(body);
  }
  void report(const std::string& uuid, std::int64_t at, std::int64_t rx, std::string_view state = "Established") {
    const json::object session{{"name", "dn42_4242420101"},
                               {"type", "bgp"},
                               {"state", state},
                               {"uuid", uuid},
                               {"routes_imported", 321},
                               {"routes_exported", 12},
                               {"wireguard", {{"handshake_age", 5}, {"rx", rx}, {"tx", rx / 2}}},
                               {"rtt", {{"ms", 12.5}, {"loss", 2.5}, {"tier", 1}}}};
    const auto answer =
        agent("POST", "report",
              json::serialize(json::object{{"node_id", "jp1"}, {"timestamp", at}, {"sessions", json::array{session}}}));
    EXPECT_EQ(answer.status, 200) << answer.body;
  }
  json::value get(const std::string& path) {
    const auto answer = admin("GET", path);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return json::parse(answer.body);
  }
  // What is known of a quantity, of all slots together.
  static std::vector<double> known(const json::value& values) {
    std::vector<double> numbers;
    for (const json::value& value : values.as_array()) {
      if (!value.is_null()) numbers.push_back(value.to_number<double>());
    }
    return numbers;
  }
};

TEST_F(SeriesApiTest, ShowsWhatANodeReported) {
  const std::string uuid = add_approved();
  // Both in one slot, which may be the one before.
  const std::int64_t at = std::max(seconds_now() / kFineSeconds * kFineSeconds + 20, seconds_now() - 100) / 60 * 60;
  report(uuid, at, 1'000'000);
  report(uuid, at + 20, 1'500'000);
  report(uuid, at + 20, 1'500'000);
  const auto series = get("sessions/" + uuid + "/series?span=24h");
  EXPECT_EQ(series.at("span").as_string(), "24h");
  EXPECT_EQ(series.at("slotSeconds").as_int64(), 300);
  const auto& times = series.at("times").as_array();
  ASSERT_EQ(times.size(), 288u);
  EXPECT_NEAR(static_cast<double>(times.back().as_int64()), static_cast<double>(seconds_now()), 301);
  EXPECT_EQ(times[1].as_int64() - times[0].as_int64(), 300);
  for (const char* name : {"up", "lossPercent", "rxBytesPerSecond", "txBytesPerSecond", "routesIn", "routesOut"}) {
    EXPECT_EQ(series.at(name).as_array().size(), 288u) << name;
  }
  EXPECT_EQ(known(series.at("up")), std::vector<double>{1});
  EXPECT_EQ(known(series.at("rxBytesPerSecond")), std::vector<double>{25'000});
  EXPECT_EQ(known(series.at("txBytesPerSecond")), std::vector<double>{12'500});
  EXPECT_EQ(known(series.at("routesIn")), std::vector<double>{321});
  EXPECT_EQ(known(series.at("routesOut")), std::vector<double>{12});
  EXPECT_EQ(known(series.at("lossPercent")), std::vector<double>{2.5});
  for (const char* name : {"min", "avg", "max"}) {
    EXPECT_EQ(known(series.at("rttMs").at(name)), std::vector<double>{12.5}) << name;
  }
  const auto quarter = get("sessions/" + uuid + "/series?span=90d");
  EXPECT_EQ(quarter.at("times").as_array().size(), 1'080u);
  EXPECT_EQ(known(quarter.at("rxBytesPerSecond")), std::vector<double>{25'000});
}

TEST_F(SeriesApiTest, ShowsNothingOfAReportWithAWrongClock) {
  const std::string uuid = add_approved();
  for (const std::int64_t wrong : {-86'400L, 86'400L, 4'000'000'000L}) report(uuid, seconds_now() + wrong, 1);
  report(uuid, -1, 1);
  const auto series = get("sessions/" + uuid + "/series");
  EXPECT_TRUE(known(series.at("up")).empty());
  EXPECT_TRUE(known(series.at("rttMs").at("avg")).empty());
}

TEST_F(SeriesApiTest, ShowsRoundTripsOfAnOlderAgentByTheirTarget) {
  const std::string uuid = add_approved();
  const auto answer = agent("POST", "rtt",
                            R"({"timestamp":)" + std::to_string(seconds_now()) +
                                R"(,"measurements":[{"target":"fe80::101","rtt_ms":7.25,"loss":0},{"target":"x"},7,)"
                                R"({"target":"172.20.9.9","rtt_ms":-1,"loss":100}]})");
  EXPECT_EQ(answer.status, 200);
  const auto series = get("sessions/" + uuid + "/series");
  EXPECT_EQ(known(series.at("rttMs").at("avg")), std::vector<double>{7.25});
  EXPECT_EQ(known(series.at("lossPercent")), std::vector<double>{0});
  EXPECT_TRUE(known(series.at("up")).empty()) << "a round trip says nothing of BGP";
}

TEST_F(SeriesApiTest, ShowsTheLinksOfANode) {
  const auto answer = agent(
      "POST", "mesh/status",
      R"({"node_id":"jp1","timestamp":)" + std::to_string(seconds_now()) +
          R"(,"peers":{"1":"configured"},"links":{"1":{"handshakeAge":3,"babel":true,"rtt":41.5},"27":7,"60":{}}})");
  EXPECT_EQ(answer.status, 200) << answer.body;
  const auto series = get("nodes/jp1/series");
  const auto& links = series.at("links").as_array();
  ASSERT_EQ(links.size(), 1u);
  EXPECT_EQ(links[0].at("id").as_int64(), 1);
  EXPECT_EQ(links[0].at("node").as_string(), "hk-rr");
  EXPECT_EQ(known(links[0].at("rttMs").at("max")), std::vector<double>{41.5});
  EXPECT_EQ(known(links[0].at("up")), std::vector<double>{1});
  EXPECT_TRUE(known(links[0].at("lossPercent")).empty());
}

TEST_F(SeriesApiTest, ShowsTheMovesOfASessionTheNewestFirst) {
  const std::string uuid = add(draft());
  EXPECT_EQ(admin("POST", "sessions/" + uuid + "/approve").status, 200);
  modify(uuid, 6, "no handshake");
  modify(uuid, 2);
  const auto body = get("sessions/" + uuid + "/events");
  const auto& events = body.at("events").as_array();
  ASSERT_EQ(events.size(), 4u);
  std::vector<std::string> told;
  for (const json::value& event : events) {
    const json::value& from = event.at("from");
    told.push_back((from.is_null() ? std::string("-") : std::string(from.as_string())) + " " +
                   std::string(event.at("to").as_string()) + " " + std::string(event.at("who").as_string()));
  }
  EXPECT_EQ(told, (std::vector<std::string>{"PROBLEM ENABLED node jp1", "QUEUED_FOR_SETUP PROBLEM node jp1",
                                            "PENDING QUEUED_FOR_SETUP owner", "- PENDING owner"}));
  EXPECT_EQ(events[1].at("reason").as_string(), "no handshake");
  EXPECT_TRUE(events[0].at("reason").is_null());
}

TEST_F(SeriesApiTest, AnswersWithTagsAndRefusesWithFields) {
  const std::string uuid = add_approved();
  for (const std::string& path :
       {"sessions/" + uuid + "/series", "sessions/" + uuid + "/events", std::string("nodes/jp1/series")}) {
    // A slot may begin between two reads, once.
    bool is_same = false;
    for (int i = 0; i < 2 && !is_same; ++i) {
      const auto first = admin("GET", path);
      const auto tag = first.headers.find("ETag");
      ASSERT_TRUE(tag) << path;
      const auto again =
          request("GET", "/api/v1/admin/" + path, testing::kAdminToken, {{"If-None-Match", std::string(*tag)}});
      is_same = again.status == 304 && again.body.empty();
    }
    EXPECT_TRUE(is_same) << path;
    EXPECT_EQ(request("GET", "/api/v1/admin/" + path, "token-of-jp1").status, 403) << path;
  }
  expect_field(admin("GET", "sessions/" + uuid + "/series?span=1y"), "span");
  expect_field(admin("GET", "nodes/jp1/series?span="), "span");
  for (const char* path : {"sessions/00000000-0000-4000-8000-000000000000/series",
                           "sessions/00000000-0000-4000-8000-000000000000/events", "nodes/nope/series"}) {
    EXPECT_EQ(admin("GET", path).status, 404) << path;
  }
}

TEST_F(SeriesApiTest, NeverShowsAWebhooksSecretAgain) {
  const json::object hook{{"name", "ops"},
                          {"url", "https://ops.example.net/hook"},
                          {"secret", "0123456789abcdef"},
                          {"events", {"enabled", "PROBLEM"}}};
  const auto put = admin("PATCH", "settings", json::object{{"webhooks", json::array{hook}}});
  ASSERT_EQ(put.status, 200) << put.body;
  const auto shown = admin("GET", "settings");
  for (const auto& answer : {put, shown}) EXPECT_EQ(answer.body.find("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(json::parse(shown.body).at("webhooks"),
            (json::value(json::array{json::object{{"name", "ops"},
                                                  {"url", "https://ops.example.net/hook"},
                                                  {"events", {"ENABLED", "PROBLEM"}},
                                                  {"hasSecret", true}}})));
  // As it was shown, with another URL: the secret stays.
  json::object edited = hook;
  edited.erase("secret");
  edited["url"] = "https://other.example.net/";
  edited["hasSecret"] = true;
  EXPECT_EQ(admin("PATCH", "settings", json::object{{"webhooks", json::array{edited}}}).status, 200);
  EXPECT_EQ(testing::must(store_->settings()).webhooks.front().secret, Secret("0123456789abcdef"));
  for (const auto& [member, value] :
       std::initializer_list<std::pair<std::string, json::value>>{{"url", "ftp://x/"},
                                                                  {"url", "https://user:word@x/"},
                                                                  {"url", ""},
                                                                  {"name", "Ops!"},
                                                                  {"secret", "short"},
                                                                  {"events", json::array{"UP"}}}) {
    json::object faulty = hook;
    faulty[member] = value;
    const auto refused = admin("PATCH", "settings", json::object{{"webhooks", json::array{faulty}}});
    expect_field(refused, "webhooks[0]." + member);
    EXPECT_EQ(refused.body.find("0123456789abcdef"), std::string::npos);
  }
  json::object fresh = hook;
  fresh["name"] = "new";
  fresh.erase("secret");
  expect_field(admin("PATCH", "settings", json::object{{"webhooks", json::array{fresh}}}), "webhooks[0].secret");
}

}  // namespace
}  // namespace moenet::controlplane
