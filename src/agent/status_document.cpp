#include "agent/status_document.h"

#include <algorithm>
#include <map>
#include <span>
#include <utility>

#include <boost/json.hpp>

#include "agent/compose_mesh.h"
#include "agent/mesh_report.h"
#include "agent/session_words.h"
#include "agent/version.h"

namespace moenet::agent {
namespace {

namespace json = boost::json;

json::value utc_or_null(const std::optional<WallTime>& time) {
  return time ? json::value(utc_text(*time)) : json::value(nullptr);
}

std::int64_t seconds_until(SteadyTime time) {
  return std::chrono::ceil<std::chrono::seconds>(std::max(time, steady_now()) - steady_now()).count();
}

json::value mean_of(const Durations& durations) {
  if (durations.count() == 0) return nullptr;
  return durations.sum_seconds / static_cast<double>(durations.count());
}

json::object tasks_of(const TaskLedger& ledger) {
  json::object tasks;
  for (const auto& [name, record] : ledger.records()) {
    tasks[name] = json::object{{"runs", record.runs},
                               {"failures", record.failures},
                               {"rejected_data", record.rejected},
                               {"last_success", utc_or_null(record.last_success)},
                               {"last_failure", utc_or_null(record.last_failure)},
                               {"last_error", record.last_error},
                               {"mean_seconds", mean_of(record.durations)}};
  }
  return tasks;
}

json::object breaker_of(const ControlPlane& control_plane) {
  const auto breaker = control_plane.breaker();
  const auto counters = control_plane.counters();
  return {{"state", name_of(breaker.state)},
          {"failures_in_a_row", breaker.failures_in_a_row},
          {"opens_in_seconds", std::chrono::ceil<std::chrono::seconds>(breaker.opens_in).count()},
          {"requests", counters.requests},
          {"retries", counters.retries},
          {"failures", counters.failures},
          {"refused", counters.refused_by_breaker}};
}

json::object guard_of(const reconcile::DeletionGuard::Verdict& guard) {
  json::array vanished;
  for (const auto& uuid : guard.vanished) vanished.push_back(json::value(uuid.view()));
  return {{"holds", guard.holds}, {"vanished", std::move(vanished)}, {"seen", guard.seen}, {"needed", guard.needed}};
}

json::object neighbor_of(model::NodeId node, const BackboneView& view, const StatusSnapshots& snapshots) {
  const std::string state = mesh_state(view);
  json::object neighbor;
  neighbor["node"] = node;
  neighbor["interface"] = mesh_interface(node);
  neighbor["state"] = state;  // as it is told to the control plane
  neighbor["handshake_age_seconds"] =
      view.handshake_age ? json::value(view.handshake_age->count()) : json::value(nullptr);
  neighbor["heard_by_babel"] = view.is_heard_by_babel;
  neighbor["retry_in_seconds"] = view.retry_at ? json::value(seconds_until(*view.retry_at)) : json::value(nullptr);
  add_quality(snapshots, view.owner, neighbor);
  return neighbor;
}

json::object mesh_of(const NodeReport& report, const StatusSnapshots& snapshots) {
  json::array neighbors;
  for (const BackboneView& view : report.backbone) {
    if (const auto node = model::mesh_node_of(view.owner)) neighbors.push_back(neighbor_of(*node, view, snapshots));
  }
  return {{"neighbors", std::move(neighbors)}, {"deletion_guard", guard_of(report.mesh_guard)}};
}

// How the loopback is; absent where the agent sees to none.
json::value loopback_of(const NodeReport& report) {
  const auto view = std::ranges::find(report.backbone, model::kLoopbackOwner, &BackboneView::owner);
  if (view == report.backbone.end()) return nullptr;
  return json::object{{"state", state_word(view->condition)}, {"cause", cause_of(view->condition)}};
}

// Kernel settings that were not as a router needs them at the last look.
json::array kernel_of(const KernelWatch::Look& look) {
  json::array wrong;
  for (const KernelSetting& setting : look.wrong) {
    wrong.push_back(json::object{{"key", setting.key.text()},
                                 {"is", setting.is ? json::value(*setting.is) : json::value(nullptr)},
                                 {"wanted", setting.wanted},
                                 {"why", setting.why}});
  }
  return wrong;
}

// `document` with its last member. One session at a time: the tree of 10,000 would take a multiple of their text.
std::string with_sessions(const json::object& document, const SessionViews* views, const StatusSnapshots& snapshots) {
  std::string text = json::serialize(document);
  text.pop_back();
  text += R"(,"sessions":[)";
  const SteadyTime now = steady_now();
  bool is_first = true;
  for (const SessionView& view : views != nullptr ? std::span(*views) : std::span<const SessionView>()) {
    if (!std::exchange(is_first, false)) text += ',';
    text += json::serialize(status_of_session(view, snapshots, now));
  }
  return text += "]}";
}

}  // namespace

std::string status_document(const StatusSource& source) {
  const auto report = source.report.read();
  const auto input = source.input.read();
  json::object document;
  document["version"] = std::string(version_text());
  document["now"] = utc_text(wall_now());
  document["node"] = source.node_name;
  document["uptime_seconds"] = std::chrono::floor<std::chrono::seconds>(steady_now() - source.started).count();
  document["wireguard_backend"] = source.backend;
  if (const auto kernel = source.kernel.read()) document["kernel_settings"] = kernel_of(*kernel);
  document["breaker"] = breaker_of(source.control_plane);
  document["tasks"] = tasks_of(source.ledger);
  document["sessions_from"] = input == nullptr || !input->answer ? "nowhere"
                              : input->number == 0               ? "state_file"
                                                                 : "control_plane";
  if (const auto maintenance = source.maintenance.read()) document["maintenance"] = maintenance_document(*maintenance);
  document["metric_report"] = json::object{{"waiting", source.metric_report.waiting},
                                           {"dropped", source.metric_report.dropped},
                                           {"refused", source.metric_report.refused}};
  if (const auto& measurement = source.snapshots.measurement) {
    document["last_measurement"] = json::object{{"at", utc_text(measurement->wall)},
                                                {"cpu_ms", static_cast<double>(measurement->cpu.count()) / 1000.0}};
  }
  std::map<std::string, int> by_status;
  if (report != nullptr) {
    document["bird"] = json::object{{"version", report->step.bird_version},
                                    {"problem", report->step.bird_problem},
                                    {"policy_problem", report->step.policy_problem}};
    document["firewall"] = json::object{{"problem", report->step.firewall_problem}};
    document["loopback"] = loopback_of(*report);
    document["mesh"] = mesh_of(*report, source.snapshots);
    document["deletion_guard"] = guard_of(report->guard);
    document["keeps_absent_sessions"] = report->keeps_absent;
    document["last_step"] = json::object{{"finished", utc_text(report->finished)},
                                         {"cpu_ms", static_cast<double>(report->cpu.count()) / 1000.0},
                                         {"planned", report->step.planned},
                                         {"failed", report->step.failed},
                                         {"error", report->error ? report->error->what : ""}};
    for (const auto& view : *report->sessions) ++by_status[status_word(view.held_status)];
  }
  json::object counts;
  for (const auto& [name, count] : by_status) counts[name] = count;
  document["sessions_by_status"] = std::move(counts);
  return with_sessions(document, report == nullptr ? nullptr : report->sessions.get(), source.snapshots);
}

std::string sync_document(const NodeReport& report) {
  json::array changes;
  for (const auto& session : *report.sessions) {
    for (const auto& change : session.changes) {
      changes.push_back(json::object{{"session", session.uuid}, {"asn", session.asn}, {"change", change}});
    }
  }
  for (const auto& change : report.step.changes)
    changes.push_back(json::object{{"owner", "firewall"}, {"change", change}});
  for (const auto& view : report.backbone) {
    for (const auto& change : view.changes) changes.push_back(json::object{{"owner", view.owner}, {"change", change}});
  }
  for (const auto& owner : report.step.removed)
    changes.push_back(json::object{{"owner", owner}, {"change", "removed"}});
  json::object document;
  document["fetch_error"] = report.sync_error;
  document["error"] = report.error ? report.error->what : "";
  document["planned"] = report.step.planned;
  document["failed"] = report.step.failed;
  document["bird_configured"] = report.step.configured_bird;
  document["bird_problem"] = report.step.bird_problem;
  document["policy_problem"] = report.step.policy_problem;
  document["deletion_guard"] = guard_of(report.guard);
  document["changes"] = std::move(changes);
  return json::serialize(document);
}

}  // namespace moenet::agent
