#include "controlplane/request_counts.h"

#include <algorithm>

namespace moenet::controlplane {

namespace {

struct Kind {
  std::string_view name;
  std::string_view prefix;
  std::string_view word;  // the path's last segments; "" = any
};

// The first that fits.
constexpr Kind kKinds[] = {
    {"agent_heartbeat", "/api/v1/agent/", "/heartbeat"},
    {"agent_sessions", "/api/v1/agent/", "/sessions"},
    {"agent_mesh", "/api/v1/agent/", "/mesh"},
    {"agent_mesh_status", "/api/v1/agent/", "/mesh/status"},
    {"agent_bird_config", "/api/v1/agent/", "/bird-config"},
    {"agent_config", "/api/v1/agent/", "/config"},
    {"agent_modify", "/api/v1/agent/", "/modify"},
    {"agent_report", "/api/v1/agent/", "/report"},
    {"agent_rtt", "/api/v1/agent/", "/rtt"},
    {"agent_queries", "/api/v1/agent/", "/queries"},
    {"agent_other", "/api/v1/agent/", ""},
    {"admin_series", "/api/v1/admin/", "/series"},
    {"admin_sessions", "/api/v1/admin/sessions", ""},
    {"admin_nodes", "/api/v1/admin/nodes", ""},
    {"admin_settings", "/api/v1/admin/settings", ""},
    {"admin_other", "/api/v1/admin", ""},
    {"series", "/api/v1/", "/series"},
    {"sessions", "/api/v1/sessions", ""},
    {"queries", "/api/v1/nodes/", "/queries"},
    {"nodes", "/api/v1/nodes", ""},
    {"settings", "/api/v1/settings", ""},
    {"mesh", "/api/v1/mesh", ""},
    {"bootstrap", "/bootstrap/", ""},
    {"health", "/health", ""},
    {"metrics", "/metrics", ""},
};

}  // namespace

std::string_view route_class(std::string_view path) {
  const auto kind = std::ranges::find_if(
      kKinds, [&](const Kind& one) { return path.starts_with(one.prefix) && path.ends_with(one.word); });
  return kind == std::end(kKinds) ? "other" : kind->name;
}

void RequestCounts::answered(std::string_view path, int status) {
  const std::lock_guard lock(mutex_);
  ++counts_.answers[{route_class(path), status}];
}

void RequestCounts::took(std::string_view path, std::chrono::nanoseconds duration) {
  const double seconds = std::chrono::duration<double>(duration).count();
  const std::lock_guard lock(mutex_);
  Durations& durations = counts_.durations[route_class(path)];
  const auto bucket = std::ranges::lower_bound(kBounds, seconds);
  if (bucket != kBounds.end()) ++durations.buckets[static_cast<std::size_t>(bucket - kBounds.begin())];
  ++durations.count;
  durations.sum_seconds += seconds;
}

RequestCounts::Snapshot RequestCounts::snapshot() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

}  // namespace moenet::controlplane
