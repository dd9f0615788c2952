// GET /metrics: what the agent knows, as Prometheus families (docs/metrics.md), made anew for each scrape, so that the
// series of a session vanish with it. What is not known is absent, never 0. Pure, but for the sink.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <prometheus/metric_family.h>
#include <string>
#include <string_view>

#include "agent/control_plane.h"
#include "agent/health.h"
#include "agent/kernel_settings.h"
#include "agent/ledger.h"
#include "agent/link_quality.h"
#include "agent/maintenance.h"
#include "agent/measurement.h"
#include "agent/path_mtu.h"
#include "agent/reconcile_task.h"
#include "base/clock.h"
#include "bird/transaction.h"

namespace moenet::agent {

// Snapshots of one moment. Null is what nobody has published yet.
struct MetricsSource {
  std::string_view version;
  std::string_view node_name;
  std::string_view backend;  // "kernel", "userspace"
  WallTime now{};
  std::chrono::nanoseconds uptime{0};
  std::map<std::string, TaskRecord, std::less<>> tasks;
  http::ClientCounters requests;           // to the control plane
  bird::TransactionCounters transactions;  // with BIRD
  http::BreakerView breaker;
  std::shared_ptr<const NodeReport> report;
  std::shared_ptr<const SessionInput> input;
  std::shared_ptr<const KernelWatch::Look> kernel;
  std::shared_ptr<const MaintenanceView> maintenance;
  std::shared_ptr<const Measurement> measurement;
  std::shared_ptr<const LinkQualities> qualities;
  std::shared_ptr<const HealthTable> health;
  std::shared_ptr<const TunnelPaths> paths;
};

// Takes one family, whole; families come one by one, because those of 1,000 sessions together are 20 MB.
using FamilySink = std::function<void(prometheus::MetricFamily&&)>;

// Families without a series are left out.
void collect_metrics(const MetricsSource& source, const FamilySink& sink);

// The same in Prometheus' text format 0.0.4.
std::string metrics_text(const MetricsSource& source);

}  // namespace moenet::agent
