// metricTask: measures links, tunnels and BGP, and judges the sessions' health. It has a netlink socket, WireGuard
// backends and a connection to BIRD of its own, so it never waits for the reconciler, nor that for it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/config.h"
#include "agent/health.h"
#include "agent/ledger.h"
#include "agent/maintenance.h"
#include "agent/measurement.h"
#include "agent/meter.h"
#include "agent/tunnel_reader.h"
#include "base/latest.h"
#include "bird/client.h"
#include "net/netlink.h"

namespace moenet::agent {

inline constexpr std::string_view kMetricTask = "metricTask";

enum class LookDepth { brief, whole };

struct MetricWiring {
  const AgentConfig& config;
  TaskLedger& ledger;
  const Latest<NodeReport>& report;
  const Latest<MaintenanceView>& maintenance;
  Latest<Measurement>& measurement;
  Latest<HealthTable>& health;
  Wakeup& wakeup;  // notified when other sessions are to be measured, or have another state
  // On this task's thread: after each look that was published, and when somebody's health is another.
  std::function<void(LookDepth)> on_look;
  std::function<void()> on_health;
};

// When to look next, where a brief look costs `cpu`. Looks are frequent, as far as they are cheap. Pure.
std::chrono::microseconds pause_after(std::chrono::microseconds cpu, const AgentConfig& config);

class MetricTask {
 public:
  explicit MetricTask(MetricWiring wiring);

  // A round of everything each controlPlane.metricInterval; in between brief looks, which a new measurement each comes
  // of as well: links, BGP's states, and the handshakes of who may have gone silent.
  void run(const std::stop_token& stop);

  using Depth = LookDepth;
  // One look, published with what it lets judge. That BIRD or a tunnel cannot be asked is no error: the measurement
  // says so. Errors: those of net::count_links; cancelled.
  Result<void> look(Depth depth, const NodeReport& report, const std::stop_token& stop);

 private:
  Result<std::vector<net::CountedLink>> own_links(Deadline deadline);
  Result<std::vector<bird::ProtocolDetail>> protocols(Depth depth, Deadline deadline, const std::stop_token& stop);
  void judge(const Measurement& measurement, const SessionViews& sessions, std::span<const std::string> shut);

  MetricWiring wiring_;
  std::optional<net::NetlinkSocket> netlink_;  // once it could be opened
  TunnelReader tunnels_;
  bird::BirdPool pool_;
  Meter meter_;
  HealthJudge judge_;
};

}  // namespace moenet::agent
