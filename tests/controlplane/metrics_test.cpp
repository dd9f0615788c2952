// GET /metrics: over a real socket, read by promtool, and held to docs/metrics.md.
#include "controlplane/metrics.h"

#include <cstdlib>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "controlplane/service_fixture.h"

namespace moenet::controlplane {
namespace {

std::string value_of(const std::string& text, const std::string& series) {
  const std::size_t at = text.find("\n" + series + " ");
  if (at == std::string::npos) return "absent";
  const std::size_t from = at + series.size() + 2;
  return text.substr(from, text.find('\n', from) - from);
}

class MetricsTest : public ServiceTest {
 protected:
  std::string scrape() {
    const auto answer = request("GET", "/metrics", testing::kAdminToken);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.headers.find("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
    return "\n" + answer.body;
  }
};

TEST_F(MetricsTest, CountsWhatHappened) {
  add(draft());
  agent("POST", "heartbeat", R"({"node_id":"jp1"})");
  agent("POST", "report", R"({"sessions":[{"name":"dn42_4242420101","state":"Established"},{"name":"dn42_1"}]})");
  agent("GET", "nonsense");
  request("GET", "/api/v1/admin/nodes", "wrong");
  request("GET", "/no/such/path", "");
  const std::string text = scrape();
  EXPECT_EQ(value_of(text, R"(moenet_controlplane_nodes{state="seen"})"), "1");
  EXPECT_EQ(value_of(text, R"(moenet_controlplane_nodes{state="silent"})"), "0");
  EXPECT_EQ(value_of(text, R"(moenet_controlplane_nodes{state="never"})"), "2");
  EXPECT_LT(std::stod(value_of(text, R"(moenet_controlplane_node_last_seen_age_seconds{node="jp1"})")), 60);
  EXPECT_EQ(value_of(text, R"(moenet_controlplane_sessions{status="pending"})"), "1");
  EXPECT_EQ(value_of(text, R"(moenet_controlplane_sessions{status="enabled"})"), "0");
  EXPECT_EQ(value_of(text, R"(moenet_controlplane_requests_total{route="agent_report",code="200"})"), "1");
  EXPECT_EQ(value_of(text, R"(moenet_controlplane_requests_total{route="agent_other",code="404"})"), "1");
  EXPECT_EQ(value_of(text, R"(moenet_controlplane_requests_total{route="admin_nodes",code="403"})"), "1");
  EXPECT_EQ(value_of(text, R"(moenet_controlplane_requests_total{route="other",code="404"})"), "1");
  EXPECT_EQ(value_of(text, R"(moenet_controlplane_request_duration_seconds_count{route="agent_report"})"), "1");
  EXPECT_EQ(value_of(text, R"(moenet_controlplane_readings_total{outcome="taken"})"), "1");
  EXPECT_EQ(value_of(text, R"(moenet_controlplane_readings_total{outcome="ignored"})"), "1");
  EXPECT_EQ(value_of(text, "moenet_controlplane_database_up"), "1");
  EXPECT_EQ(value_of(text, "moenet_controlplane_waiting_reads"), "0");
}

TEST_F(MetricsTest, OpenToTheAdminAndItsOwnTokenOnly) {
  EXPECT_EQ(request("GET", "/metrics", "token-of-jp1").status, 403);
  EXPECT_EQ(request("GET", "/metrics", "").status, 403);
  EXPECT_EQ(request("GET", "/metrics", "for-the-scraper").status, 403);
  service_.reset();
  ServiceSettings settings;
  settings.listen = {{{IpAddress::v4({127, 0, 0, 1}), 0}}};
  settings.keys = {Secret(testing::kAdminToken), std::nullopt, Secret("for-the-scraper")};
  service_ = must(Service::start(*store_, settings));
  EXPECT_EQ(request("GET", "/metrics", "for-the-scraper").status, 200);
  EXPECT_EQ(request("GET", "/metrics", testing::kAdminToken).status, 200);
  EXPECT_EQ(request("GET", "/api/v1/admin/nodes", "for-the-scraper").status, 403);
}

TEST_F(MetricsTest, AreWhatPromtoolTakes) {
  ASSERT_EQ(std::system("command -v promtool >/dev/null"), 0) << "no promtool on this machine: ./dev setup";
  agent("GET", "sessions");
  const auto file = folder_.path() / "metrics";
  std::ofstream(file) << scrape().substr(1);
  EXPECT_EQ(std::system(("promtool check metrics <" + file.string()).c_str()), 0);
}

TEST_F(MetricsTest, AreTheOnesOfTheDocument) {
  agent("POST", "heartbeat", R"({"node_id":"jp1"})");
  const std::string text = scrape();
  std::set<std::string> made;
  const std::regex kind(R"(# TYPE (\S+) (\S+))");
  for (auto at = std::sregex_iterator(text.begin(), text.end(), kind); at != std::sregex_iterator(); ++at) {
    made.insert((*at)[1].str() + " " + (*at)[2].str());
  }
  std::ifstream document(std::filesystem::path(MOENET_SOURCE_DIR) / "docs" / "metrics.md");
  std::set<std::string> told;
  const std::regex row(R"(^\| `(moenet_controlplane_\w+)` \| (\w+) \|.*)");
  for (std::string line; std::getline(document, line);) {
    std::smatch parts;
    if (std::regex_match(line, parts, row)) told.insert(parts[1].str() + " " + parts[2].str());
  }
  EXPECT_EQ(made, told);
}

TEST(ControlPlaneMetrics, LackWhatTheDatabaseWouldSay) {
  MetricsSource source;
  source.version = "1.2.3";
  const std::string text = "\n" + metrics_text(source);
  EXPECT_EQ(value_of(text, "moenet_controlplane_database_up"), "0");
  EXPECT_EQ(value_of(text, R"(moenet_controlplane_build_info{version="1.2.3"})"), "1");
  EXPECT_EQ(text.find("moenet_controlplane_nodes"), std::string::npos);
  EXPECT_EQ(text.find("moenet_controlplane_sessions"), std::string::npos);
}

TEST(RequestCounts, KnowFewKindsOfPaths) {
  EXPECT_EQ(route_class("/api/v1/agent/jp1/report"), "agent_report");
  EXPECT_EQ(route_class("/api/v1/agent/jp1/mesh/status"), "agent_mesh_status");
  EXPECT_EQ(route_class("/api/v1/agent/jp1/mesh"), "agent_mesh");
  EXPECT_EQ(route_class("/api/v1/agent/heartbeat"), "agent_heartbeat");
  EXPECT_EQ(route_class("/api/v1/agent/jp1/queries"), "agent_queries");
  EXPECT_EQ(route_class("/api/v1/nodes/jp1/queries"), "queries");
  EXPECT_EQ(route_class("/api/v1/nodes/jp1"), "nodes");
  EXPECT_EQ(route_class("/api/v1/admin/sessions/x/series"), "admin_series");
  EXPECT_EQ(route_class("/api/v1/admin/sessions/x/approve"), "admin_sessions");
  EXPECT_EQ(route_class("/wp-login.php"), "other");
}

TEST(RequestCounts, PutDurationsIntoTheirBuckets) {
  RequestCounts counts;
  for (const auto ms : {1, 2, 100'000}) counts.took("/health", std::chrono::milliseconds(ms));
  const auto durations = counts.snapshot().durations.at("health");
  EXPECT_EQ(durations.buckets[0], 1u) << "a bound is in its bucket";
  EXPECT_EQ(durations.buckets[1], 1u);
  EXPECT_EQ(durations.count, 3u);
  EXPECT_DOUBLE_EQ(durations.sum_seconds, 100.003);
}

}  // namespace
}  // namespace moenet::controlplane
