#include "agent/status_session.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "agent/metrics_sample.h"

namespace moenet::agent {
namespace {

StatusSnapshots snapshots_of(const MetricsSource& node) {
  HealthTable judged = *node.health;
  for (Health& health : judged) health.is_certain = true;
  return {node.measurement, node.qualities, std::make_shared<const HealthTable>(judged), nullptr};
}

TEST(StatusSession, SaysWhatIsMeasured) {
  const auto node = sample::known_node();
  StatusSnapshots snapshots = snapshots_of(node);
  const SessionView& view = node.report->sessions->front();
  TunnelPath path;
  path.owner = model::owner_of_session(view.uuid);
  path.endpoint = IpAddress::v4({192, 0, 2, 7});
  path.overhead_bytes = 60;
  path.mtu_bytes = 1420;
  path.path_mtu_bytes = 1472;
  snapshots.paths = std::make_shared<const TunnelPaths>(TunnelPaths{path});
  const auto session = status_of_session(view, snapshots, steady_now());
  EXPECT_EQ(session.at("works"), true);
  EXPECT_EQ(session.at("rtt_ms"), 12.5);
  EXPECT_EQ(session.at("loss_percent"), 2.5);
  EXPECT_EQ(session.at("latency_tier"), 3u);
  EXPECT_EQ(session.at("routes").at_pointer("/ipv4/imported"), 800u);
  EXPECT_EQ(session.at("routes").at_pointer("/ipv6/preferred"), 400u);
  EXPECT_EQ(session.at("rx_bytes"), 123'456'789'012u);
  EXPECT_EQ(session.at("handshake_age_seconds"), 71);
  EXPECT_EQ(session.at("bgp_state"), "Established");
  EXPECT_EQ(session.at("flaps"), 5u);
  EXPECT_EQ(session.at("mtu_bytes"), 1420u);
  EXPECT_EQ(session.at("path_mtu_bytes"), 1472u);
  EXPECT_EQ(session.at("mtu_advice"),
            "lower the tunnel's MTU from 1420 to 1412 at both ends: the path to 192.0.2.7 carries 1472 bytes");
}

// An agent that has just started has seen nothing yet.
TEST(StatusSession, AGuessIsNoJudgement) {
  const auto node = sample::known_node();
  StatusSnapshots snapshots = snapshots_of(node);
  HealthTable health = *snapshots.health;
  health.front().is_certain = false;
  snapshots.health = std::make_shared<const HealthTable>(health);
  const auto session = status_of_session(node.report->sessions->front(), snapshots, steady_now());
  EXPECT_TRUE(session.at("works").is_null());
  EXPECT_TRUE(session.at("works_since").is_null());
}

// A reader finds every field, whatever is known.
TEST(StatusSession, WhatNobodyMeasuredIsNull) {
  const auto node = sample::known_node();
  const SessionView& view = node.report->sessions->front();
  const auto all = status_of_session(view, snapshots_of(node), steady_now());
  const auto none = status_of_session(view, {}, steady_now());
  for (const char* field :
       {"works", "works_since", "rtt_ms", "jitter_ms", "loss_percent", "smoothed_rtt_ms", "latency_tier", "loss_class",
        "bgp_state", "last_error", "routes", "flaps", "rx_bytes", "tx_bytes", "rx_bits_per_second",
        "tx_bits_per_second", "handshake_age_seconds", "mtu_bytes", "path_mtu_bytes"})
    EXPECT_TRUE(none.at(field).is_null()) << field;
  EXPECT_EQ(none.size(), all.size());
}

TEST(StatusSession, CauseIsWhatIsNotInPlaceAndElseWhatDoesNotWork) {
  const auto node = sample::known_node();
  SessionView view = node.report->sessions->front();
  StatusSnapshots snapshots = snapshots_of(node);
  HealthTable health = *snapshots.health;
  health.front().works = false;
  health.front().cause = "no handshake";
  snapshots.health = std::make_shared<const HealthTable>(health);
  EXPECT_EQ(status_of_session(view, snapshots, steady_now()).at("cause"), "no handshake");
  view.condition = model::Broken{"the port is taken"};
  EXPECT_EQ(status_of_session(view, snapshots, steady_now()).at("cause"), "the port is taken");
}

}  // namespace
}  // namespace moenet::agent
