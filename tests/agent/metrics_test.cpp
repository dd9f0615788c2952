#include "agent/metrics.h"

#include <prometheus/check_names.h>
#include <prometheus/text_serializer.h>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "agent/metrics_sample.h"
#include "base/file.h"

namespace moenet::agent {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;
using sample::known_node;

std::vector<MetricFamily> families_of(const MetricsSource& source) {
  std::vector<MetricFamily> families;
  collect_metrics(source, [&](MetricFamily&& family) { families.push_back(std::move(family)); });
  return families;
}

std::string type_name(MetricType type) {
  if (type == MetricType::Counter) return "counter";
  return type == MetricType::Histogram ? "histogram" : "gauge";
}

// "name | type | labels" of each family: what docs/metrics.md must say.
std::set<std::string> described(const std::vector<MetricFamily>& families) {
  std::set<std::string> lines;
  for (const auto& family : families) {
    std::string labels;
    for (const auto& label : family.metric.front().label) labels += (labels.empty() ? "" : ", ") + label.name;
    lines.insert(fmt::format("{} | {} | {}", family.name, type_name(family.type), labels));
  }
  return lines;
}

// The rows "| `moenet_…` | type | labels | meaning |" of the documentation, but for the control plane's.
std::set<std::string> documented() {
  const std::string text = read_file(MOENET_SOURCE_DIR "/docs/metrics.md", 1u << 20).value();
  std::istringstream input(text);
  std::set<std::string> lines;
  for (std::string line; std::getline(input, line);) {
    if (!line.starts_with("| `moenet_") || line.starts_with("| `moenet_controlplane_")) continue;
    std::erase(line, '`');
    std::vector<std::string> cells;
    std::istringstream row(line.substr(2));
    for (std::string cell; std::getline(row, cell, '|');) {
      const auto begin = cell.find_first_not_of(' ');
      cells.push_back(begin == std::string::npos ? "" : cell.substr(begin, cell.find_last_not_of(' ') - begin + 1));
    }
    if (cells.size() < 4 || cells[3].empty()) {
      ADD_FAILURE() << "no row of four cells: " << line;
      continue;
    }
    lines.insert(fmt::format("{} | {} | {}", cells[0], cells[1], cells[2]));
  }
  return lines;
}

// The value of the one series that `text` has for `series`, as written.
std::optional<std::string> value_of(const std::string& text, const std::string& series) {
  const auto at = ("\n" + text).find("\n" + series + " ");
  if (at == std::string::npos) return std::nullopt;
  const auto begin = at + series.size() + 1;
  return text.substr(begin, text.find('\n', begin) - begin);
}

MetricsSource with_sessions(SessionViews views) {
  MetricsSource source;
  NodeReport report;
  report.sessions = std::make_shared<const SessionViews>(std::move(views));
  source.report = std::make_shared<const NodeReport>(std::move(report));
  return source;
}

SessionView view_of(unsigned n, std::string interface_name, model::Condition condition) {
  SessionView view;
  view.uuid = sample::uuid(n);
  view.asn = 4'242'420'000;
  view.interface_name = std::move(interface_name);
  view.condition = std::move(condition);
  return view;
}

TEST(Metrics, TheDocumentationNamesEachOfThemAndNoOther) {
  const auto made = described(families_of(known_node()));
  const auto told = documented();
  for (const auto& line : made) EXPECT_TRUE(told.contains(line)) << "not in docs/metrics.md: " << line;
  for (const auto& line : told) EXPECT_TRUE(made.contains(line)) << "in docs/metrics.md only: " << line;
}

TEST(Metrics, NamesAreLegalAndFamiliesAndSeriesAreThereOnce) {
  std::set<std::string> names;
  for (const auto& family : families_of(known_node(3))) {
    EXPECT_TRUE(prometheus::CheckMetricName(family.name)) << family.name;
    EXPECT_TRUE(names.insert(family.name).second) << family.name;
    EXPECT_EQ(family.type == MetricType::Counter, family.name.ends_with("_total")) << family.name;
    EXPECT_FALSE(family.help.empty()) << family.name;
    std::set<std::vector<prometheus::ClientMetric::Label>> series;
    for (const auto& metric : family.metric) {
      EXPECT_TRUE(series.insert(metric.label).second) << "twice in " << family.name;
      for (const auto& label : metric.label) EXPECT_TRUE(prometheus::CheckLabelName(label.name)) << label.name;
    }
  }
}

// Number by number, because the library writes some with more digits.
TEST(Metrics, TheTextIsWhatTheLibraryWrites) {
  MetricsSource source = known_node(2);
  source.tasks["a\\b\"c\nd"] = source.tasks["sessionSyncTask"];
  source.tasks["a\\b\"c\nd"].durations.sum_seconds = 1e-7;
  std::istringstream ours(metrics_text(source));
  std::istringstream theirs(prometheus::TextSerializer().Serialize(families_of(source)));
  std::size_t lines = 0;
  for (std::string one, other; std::getline(ours, one); ++lines) {
    ASSERT_TRUE(std::getline(theirs, other)) << one;
    if (one == other) continue;
    const auto end = one.rfind(' ');
    EXPECT_EQ(one.substr(0, end), other.substr(0, other.rfind(' ')));
    EXPECT_DOUBLE_EQ(std::stod(one.substr(end)), std::stod(other.substr(other.rfind(' '))));
  }
  std::string more;
  EXPECT_FALSE(std::getline(theirs, more)) << more;
  EXPECT_GT(lines, 100u);
}

TEST(Metrics, ValuesAreInBaseUnits) {
  const std::string text = metrics_text(known_node());
  const std::string peer = R"({asn="4242420001",interface="dn42_4242420001"})";
  EXPECT_EQ(value_of(text, "moenet_session_rtt_seconds" + peer), "0.0125");
  EXPECT_EQ(value_of(text, "moenet_session_loss_ratio" + peer), "0.025");
  EXPECT_EQ(value_of(text, "moenet_session_rx_bytes_total" + peer), "123456789012");
  EXPECT_EQ(value_of(text, "moenet_session_established_seconds" + peer), "36000");
  EXPECT_EQ(value_of(text, "moenet_session_up" + peer), "1");
  EXPECT_EQ(value_of(text, "moenet_agent_start_timestamp_seconds"), "1799996400");
  EXPECT_EQ(value_of(text, R"(moenet_agent_last_plan_actions{outcome="done"})"), "3");
  EXPECT_EQ(value_of(text, R"(moenet_node_maintenance_phase{phase="drained"})"), "1");
  EXPECT_EQ(value_of(text, R"(moenet_node_maintenance_phase{phase="off"})"), "0");
}

TEST(Metrics, WhatIsNotKnownIsAbsent) {
  EXPECT_EQ(metrics_text(MetricsSource{}).find("moenet_session"), std::string::npos);
  MetricsSource source = known_node();
  Measurement measurement = *source.measurement;
  for (auto& link : measurement.links) {
    link.bgp.reset();
    link.established_for.reset();
    link.traffic.reset();
    link.tunnel->handshake_age.reset();
  }
  LinkQualities qualities = *source.qualities;
  for (auto& quality : qualities) quality = {quality.owner, {}, false, {}, {}, {}, {}, 0, 0, {}};
  source.measurement = std::make_shared<const Measurement>(std::move(measurement));
  source.qualities = std::make_shared<const LinkQualities>(std::move(qualities));
  source.health = nullptr;
  const std::string text = metrics_text(source);
  for (const char* name : {"up", "established_seconds", "routes", "rx_bytes_total", "handshake_age_seconds",
                           "rtt_seconds", "loss_ratio", "latency_tier", "loss_class", "works"}) {
    EXPECT_EQ(text.find(fmt::format("moenet_session_{}", name)), std::string::npos) << name;
  }
  EXPECT_NE(text.find("moenet_session_link_up"), std::string::npos) << "this is known";
}

TEST(Metrics, OfTwoRowsWithOneInterfaceTheOneThatHasItIsShown) {
  const std::string text = metrics_text(with_sessions(
      {view_of(1, "dn42_1", model::Broken{"taken"}), view_of(2, "dn42_1", model::InPlace{}), view_of(3, "", {})}));
  const std::string labels = R"({asn="4242420000",interface="dn42_1",state=)";
  EXPECT_EQ(value_of(text, "moenet_session_state" + labels + "\"in_place\"}"), "1");
  EXPECT_EQ(value_of(text, "moenet_session_state" + labels + "\"problem\"}"), std::nullopt);
  EXPECT_EQ(value_of(text, R"(moenet_sessions{state="in_place"})"), "2") << "the row that nobody can read counts too";
}

TEST(Metrics, ASessionThatIsGoneHasNoSeries) {
  MetricsSource source = known_node(2);
  EXPECT_NE(metrics_text(source).find("4242420002"), std::string::npos);
  NodeReport report = *source.report;
  report.sessions = known_node(1).report->sessions;
  source.report = std::make_shared<const NodeReport>(std::move(report));
  EXPECT_EQ(metrics_text(source).find("4242420002"), std::string::npos) << "though it is in the measurement still";
}

TEST(Metrics, LabelsFromOutsideAreEscaped) {
  SessionView view = view_of(1, "dn42_1", model::InPlace{});
  view.name = "a\"b\\c\nd";
  const std::string text = metrics_text(with_sessions({view}));
  EXPECT_NE(text.find(R"(name="a\"b\\c\nd")"), std::string::npos) << text;
}

}  // namespace
}  // namespace moenet::agent
