// GET /metrics of the control plane (docs/metrics.md): made anew for each scrape of what is counted and what the
// database has. What is not known is absent. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "controlplane/query_api.h"
#include "controlplane/request_counts.h"
#include "controlplane/store.h"
#include "controlplane/webhooks.h"
#include "controlplane/workers.h"

namespace moenet::controlplane {

struct MetricsSource {
  std::string_view version;
  WallTime now{};
  RequestCounts::Snapshot requests;
  std::size_t waiting_reads = 0;
  Workers::Queue queue;
  StoreCounters store;
  WebhookCounters webhooks;
  // Absent while the database is away.
  std::optional<std::vector<Node>> nodes;
  std::optional<std::map<model::SessionStatus, std::int64_t>> sessions;
  std::optional<std::int64_t> waiting_deliveries;
  QueryCounts queries;
};

// Prometheus' text format 0.0.4.
std::string metrics_text(const MetricsSource& source);

}  // namespace moenet::controlplane
