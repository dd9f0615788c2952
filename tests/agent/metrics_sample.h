// A node of which everything is known, as the snapshots say it: for the tests of /metrics and its benchmark.
#pragma once

#include <fmt/format.h>

#include "agent/metrics.h"

namespace moenet::agent::sample {

inline bird::ProtocolDetail established(const std::string& protocol) {
  bird::ProtocolDetail detail;
  detail.status.name = protocol;
  detail.status.proto = "BGP";
  detail.status.state = "up";
  detail.status.info = "Established";
  detail.bgp_state = "Established";
  for (const char* family : {"ipv4", "ipv6"}) {
    bird::ChannelDetail channel;
    channel.name = family;
    channel.state = "UP";
    channel.imported = 800;
    channel.filtered = 3;
    channel.exported = 900;
    channel.preferred = 400;
    channel.import_updates_rejected = 17;
    channel.import_limit = bird::ChannelLimit{9'000, true, "block"};
    channel.export_limit = bird::ChannelLimit{30'000, false, "warn"};
    detail.channels.push_back(channel);
  }
  return detail;
}

inline LinkMeasurement measured(model::Owner owner, model::Asn asn, std::string interface_name) {
  LinkMeasurement link;
  link.owner = std::move(owner);
  link.asn = asn;
  link.interface_name = std::move(interface_name);
  link.mtu_bytes = 1420;
  link.has_link = link.is_up = true;
  link.traffic = Traffic{123'456'789'012, 98'765'432'101, 1'234'567, 7'654'321, 1, 2, 3, 4};
  link.tunnel = TunnelState{std::chrono::seconds(71), {}, 1, 2};
  link.flaps = 5;
  return link;
}

inline LinkQuality quality(model::Owner owner) {
  LinkQuality quality;
  quality.owner = std::move(owner);
  quality.answers = true;
  quality.rtt_ms = 12.5;
  quality.jitter_ms = 0.25;
  quality.loss_percent = 2.5;
  quality.smoothed_rtt_ms = 12.75;
  quality.latency_tier = 3;
  quality.loss_class = 92;
  return quality;
}

inline TunnelPath path(model::Owner owner) {
  return {std::move(owner), IpAddress::v4({192, 0, 2, 7}), 1420, 60, 1500, std::nullopt, {}};
}

inline std::string uuid(unsigned n) { return fmt::format("00000000-0000-4000-8000-{:012d}", n); }

// `sessions` of them, one neighbor in the mesh, a loopback, one iBGP session.
inline MetricsSource known_node(unsigned sessions = 1) {
  const WallTime now{std::chrono::seconds(1'800'000'000)};
  MetricsSource source;
  source.version = "1.2.3";
  source.node_name = "jp1";
  source.backend = "kernel";
  source.now = now;
  source.uptime = std::chrono::hours(1);
  TaskRecord task;
  task.runs = 9;
  task.failures = 2;
  task.rejected = 1;
  task.durations.add(std::chrono::milliseconds(30));
  task.last_success = now;
  task.last_failure = now - std::chrono::minutes(1);
  source.tasks["sessionSyncTask"] = task;
  source.requests = {100, 4, 3, 2};
  NodeReport report;
  Measurement measurement;
  LinkQualities qualities;
  TunnelPaths paths;
  HealthTable health;
  SessionViews views;
  measurement.wall = now;
  measurement.links.push_back(measured(model::owner_of_mesh(7), 0, "dn42-wg-igp-7"));
  measurement.other_bgp.push_back(established("ibgp_7"));
  qualities.push_back(quality(model::owner_of_mesh(7)));
  paths.push_back(path(model::owner_of_mesh(7)));
  for (unsigned n = 1; n <= sessions; ++n) {
    SessionView view;
    view.uuid = uuid(n);
    view.asn = 4'242'420'000 + n;
    view.name = "AS" + std::to_string(view.asn);
    view.interface_name = fmt::format("dn42_{}", view.asn);
    view.held_status = 2;
    view.condition = model::InPlace{};
    const model::Owner owner = model::owner_of_session(view.uuid);
    auto& link = measurement.links.emplace_back(measured(owner, view.asn, view.interface_name));
    link.bgp = established(view.interface_name);
    link.established_for = std::chrono::hours(10);
    qualities.push_back(quality(owner));
    paths.push_back(path(owner));
    Health judged;
    judged.owner = owner;
    health.push_back(judged);
    views.push_back(std::move(view));
  }
  report.sessions = std::make_shared<const SessionViews>(std::move(views));
  report.backbone.push_back({std::string(model::kLoopbackOwner), model::InPlace{}, {}, {}, false, {}});
  report.backbone.push_back({model::owner_of_mesh(7), model::InPlace{}, {}, std::chrono::seconds(5), true, {}});
  report.step.planned = 5;
  report.step.failed = 2;
  report.step.bird_version = "3.1.8";
  report.finished = now;
  source.report = std::make_shared<const NodeReport>(std::move(report));
  SessionInput input;
  input.answer = std::make_shared<const SessionAnswer>();
  input.number = 3;
  source.input = std::make_shared<const SessionInput>(std::move(input));
  source.kernel = std::make_shared<const KernelWatch::Look>();
  MaintenanceView maintenance;
  maintenance.record.phase = MaintenancePhase::drained;
  maintenance.record.since = std::chrono::floor<std::chrono::seconds>(now);
  maintenance.preferred = 12;
  source.maintenance = std::make_shared<const MaintenanceView>(std::move(maintenance));
  source.measurement = std::make_shared<const Measurement>(std::move(measurement));
  source.qualities = std::make_shared<const LinkQualities>(std::move(qualities));
  source.paths = std::make_shared<const TunnelPaths>(std::move(paths));
  source.health = std::make_shared<const HealthTable>(std::move(health));
  return source;
}

}  // namespace moenet::agent::sample
