#include "agent/metric_report.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "agent/measured.h"

namespace moenet::agent {
namespace {

namespace json = boost::json;
using namespace testing;
using std::chrono::minutes;
using std::chrono::seconds;

const WallTime kWall{seconds(1795440902)};

LinkMeasurement link_of(model::Asn asn, std::optional<bird::ProtocolDetail> bgp) {
  LinkMeasurement link;
  link.owner = model::owner_of_session("00000000-0000-4000-8000-" + std::string(12 - std::to_string(asn).size(), '0') +
                                       std::to_string(asn));
  link.asn = asn;
  link.has_link = true;
  link.mtu_bytes = 1420;
  link.bgp = std::move(bgp);
  return link;
}

Measurement measurement_of(std::vector<LinkMeasurement> links) {
  Measurement measurement;
  measurement.links = std::move(links);
  measurement.wall = kWall;
  return measurement;
}

json::value only_body(const Measurement& measurement, const LinkQualities& qualities = {}) {
  const auto bodies = report_bodies("jp1", measurement, qualities);
  EXPECT_EQ(bodies.size(), 1u);
  return json::parse(bodies.at(0));
}

// As captured from a running control plane: tests/samples/58-report-ok.http.
TEST(ReportBodies, SayWhatEveryControlPlaneUnderstands) {
  const auto body = only_body(
      measurement_of({link_of(1, established(1)), link_of(2, not_established(2, "Socket: Connection refused"))}));
  EXPECT_EQ(body.at("node_id"), "jp1");
  EXPECT_EQ(body.at("timestamp"), 1795440902);
  const auto& up = body.at("sessions").at(0).as_object();
  EXPECT_EQ(up.at("name"), "dn42_1");
  EXPECT_EQ(up.at("type"), "bgp");
  EXPECT_EQ(up.at("state"), "Established");
  EXPECT_EQ(up.at("info"), "");
  EXPECT_EQ(up.at("routes_imported"), 7);
  EXPECT_EQ(up.at("routes_exported"), 3);
  const auto& down = body.at("sessions").at(1).as_object();
  EXPECT_EQ(down.at("state"), "Active");
  EXPECT_EQ(down.at("info"), "Socket: Connection refused");
  EXPECT_FALSE(down.contains("routes_imported")) << "unknown is absent";
}

TEST(ReportBodies, SayMoreToThoseThatReadIt) {
  LinkMeasurement link = link_of(1, established(1));
  link.established_for = seconds(62);
  link.tunnel = TunnelState{seconds(9), Endpoint{IpAddress::parse("192.0.2.7").value(), 31080}, 10, 20};
  LinkMeasurement silent = link_of(2, std::nullopt);
  silent.tunnel = TunnelState{};
  LinkQuality quality;
  quality.owner = link.owner;
  quality.answers = true;
  quality.rtt_ms = 12.5;
  quality.loss_percent = 0;
  quality.latency_tier = 3;
  const auto body = only_body(measurement_of({link, silent}), {quality});
  const auto& session = body.at("sessions").at(0).as_object();
  EXPECT_EQ(session.at("uuid"), "00000000-0000-4000-8000-000000000001");
  EXPECT_EQ(session.at("asn"), 1);
  EXPECT_EQ(session.at("mtu"), 1420);
  EXPECT_EQ(session.at("since"), "2026-11-23T13:34:00Z");
  EXPECT_EQ(json::serialize(session.at("wireguard")),
            R"({"handshake_age":9,"rx":10,"tx":20,"endpoint":"192.0.2.7:31080"})");
  EXPECT_EQ(json::serialize(session.at("channels")),
            R"({"ipv4":{"imported":7,"filtered":0,"exported":3,"preferred":0}})");
  EXPECT_EQ(session.at("rtt").at("tier"), 3);
  EXPECT_EQ(session.at("rtt").at("ms"), 12.5);
  const auto& other = body.at("sessions").at(1).as_object();
  EXPECT_EQ(other.at("state"), "Unknown");
  EXPECT_TRUE(other.at("wireguard").at("handshake_age").is_null());
  EXPECT_FALSE(other.contains("rtt"));
}

TEST(ReportBodies, SayOfGreWhatItsLinkCounts) {
  LinkMeasurement link = link_of(1, established(1));
  link.gre.emplace().remote = IpAddress::parse("192.0.2.7").value();
  link.traffic.emplace();
  link.traffic->rx_bytes = 10;
  link.traffic->tx_bytes = 20;
  const auto body = only_body(measurement_of({link}));
  const auto& session = body.at("sessions").at(0).as_object();
  EXPECT_EQ(json::serialize(session.at("gre")), R"({"endpoint":"192.0.2.7","rx":10,"tx":20})");
  EXPECT_FALSE(session.contains("wireguard"));
}

TEST(ReportBodies, AreOfSessionsOnly) {
  LinkMeasurement mesh;
  mesh.owner = "mesh/2";
  EXPECT_TRUE(only_body(measurement_of({mesh})).at("sessions").as_array().empty());
}

TEST(ReportBodies, AreSplitAtTheLimitAndLoseNothing) {
  std::vector<LinkMeasurement> links;
  for (model::Asn asn = 1; asn <= 10'000; ++asn) links.push_back(link_of(asn, established(asn)));
  const auto bodies = report_bodies("jp1", measurement_of(std::move(links)), {});
  ASSERT_GT(bodies.size(), 1u);
  std::size_t sessions = 0;
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    EXPECT_LE(bodies[i].size(), kReportBytes);
    const auto body = json::parse(bodies[i]);
    EXPECT_EQ(body.at("part"), i + 1);
    EXPECT_EQ(body.at("parts"), bodies.size());
    sessions += body.at("sessions").as_array().size();
  }
  EXPECT_EQ(sessions, 10'000u);
}

TEST(ReportBacklog, DropsWholeReportsOldestFirstAndNeverTheNewest) {
  ReportBacklog backlog({3, 100});
  for (const char* text : {"a", "b", "c", "d"}) backlog.add({std::string(text), std::string(text)});
  EXPECT_EQ(backlog.waiting(), 3u);
  EXPECT_EQ(backlog.dropped(), 1u);
  EXPECT_EQ(*backlog.first(), "b");
  backlog.add({std::string(500, 'e')});
  EXPECT_EQ(backlog.waiting(), 1u);
  EXPECT_EQ(backlog.dropped(), 4u);
  const auto last = backlog.first();
  backlog.add({"f"});
  backlog.remove(last);
  EXPECT_EQ(*backlog.first(), "f") << "what was dropped while it was sent is no matter";
}

// A control plane that is away, and the rounds of an hour.
TEST(MetricReport, AnHourWithoutControlPlaneIsToldLater) {
  TaskLedger ledger;
  const Latest<LinkQualities> qualities;
  bool is_away = true;
  std::vector<std::int64_t> told;
  MetricReport report("jp1", ledger, qualities, [&](const std::string& body, const std::stop_token&) -> Result<void> {
    if (is_away) return fail(Errc::unavailable, "away");
    told.push_back(json::parse(body).at("timestamp").as_int64());
    return {};
  });
  Measurement measurement = measurement_of({link_of(1, established(1))});
  for (int round = 0; round < 60; ++round) {
    report.add(measurement);
    report.send_waiting({});
    measurement.wall += minutes(1);
  }
  EXPECT_EQ(report.counters().waiting, 60u);
  EXPECT_EQ(report.counters().dropped, 0u);
  report.add(measurement);
  EXPECT_EQ(report.counters().dropped, 1u) << "more than an hour";
  is_away = false;
  report.send_waiting({});
  ASSERT_EQ(told.size(), 60u);
  for (std::size_t i = 0; i < told.size(); ++i) EXPECT_EQ(told[i], 1795440902 + 60 * static_cast<std::int64_t>(i + 1));
  EXPECT_EQ(report.counters().waiting, 0u);
  const auto records = ledger.records();
  EXPECT_EQ(records.find(kMetricReportTask)->second.failures, 60u);
}

TEST(MetricReport, WhatIsRefusedForGoodIsNotRepeated) {
  TaskLedger ledger;
  const Latest<LinkQualities> qualities;
  int asked = 0;
  MetricReport report("jp1", ledger, qualities, [&](const std::string&, const std::stop_token&) -> Result<void> {
    ++asked;
    return fail(Errc::invalid, "HTTP 422");
  });
  report.add(measurement_of({}));
  report.send_waiting({});
  report.send_waiting({});
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(report.counters().refused, 1u);
}

}  // namespace
}  // namespace moenet::agent
