#include "agent/status_document.h"

#include <map>

#include <boost/json.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "agent/compose_mesh.h"
#include "agent/mesh_report.h"
#include "agent/version.h"

namespace moenet::agent {
namespace {

namespace json = boost::json;

std::string utc(WallTime time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", std::chrono::floor<std::chrono::seconds>(time));
}

json::value utc_or_null(const std::optional<WallTime>& time) {
  return time ? json::value(utc(*time)) : json::value(nullptr);
}

std::int64_t seconds_until(SteadyTime time) {
  return std::chrono::ceil<std::chrono::seconds>(std::max(time, steady_now()) - steady_now()).count();
}

struct ConditionWords {
  std::string_view state;
  std::string cause;
};

ConditionWords words_of(const model::Condition& condition) {
  if (std::holds_alternative<model::InPlace>(condition)) return {"in_place", ""};
  if (std::holds_alternative<model::Removed>(condition)) return {"removed", ""};
  if (const auto* broken = std::get_if<model::Broken>(&condition)) return {"problem", broken->cause};
  if (const auto* invalid = std::get_if<model::Invalid>(&condition)) return {"invalid", invalid->cause};
  return {"untouched", ""};
}

std::string status_name(const std::optional<std::int64_t>& held) {
  if (!held) return "UNKNOWN";
  const auto status = model::session_status_from_int(*held);
  return status ? std::string(name_of(*status)) : fmt::format("UNKNOWN_{}", *held);
}

json::object session_of(const SessionView& view) {
  const auto [state, cause] = words_of(view.condition);
  json::object session;
  session["uuid"] = view.uuid;
  session["asn"] = view.asn;
  session["name"] = view.name;
  session["interface"] = view.interface_name;
  session["status"] = status_name(view.held_status);  // as the control plane holds it
  session["state"] = state;                           // as it is here
  session["cause"] = cause;
  session["retry_in_seconds"] = view.retry_at ? json::value(seconds_until(*view.retry_at)) : json::value(nullptr);
  return session;
}

json::object tasks_of(const TaskLedger& ledger) {
  json::object tasks;
  for (const auto& [name, record] : ledger.records()) {
    tasks[name] = json::object{{"runs", record.runs},
                               {"failures", record.failures},
                               {"rejected_data", record.rejected},
                               {"last_success", utc_or_null(record.last_success)},
                               {"last_failure", utc_or_null(record.last_failure)},
                               {"last_error", record.last_error}};
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
  for (const auto& uuid : guard.vanished) vanished.push_back(json::value(uuid));
  return {{"holds", guard.holds}, {"vanished", std::move(vanished)}, {"seen", guard.seen}, {"needed", guard.needed}};
}

json::object neighbor_of(model::NodeId node, const BackboneView& view) {
  const std::string state = mesh_state(view);
  json::object neighbor;
  neighbor["node"] = node;
  neighbor["interface"] = mesh_interface(node);
  neighbor["state"] = state;  // as it is told to the control plane
  neighbor["handshake_age_seconds"] =
      view.handshake_age ? json::value(view.handshake_age->count()) : json::value(nullptr);
  neighbor["heard_by_babel"] = view.is_heard_by_babel;
  neighbor["retry_in_seconds"] = view.retry_at ? json::value(seconds_until(*view.retry_at)) : json::value(nullptr);
  return neighbor;
}

json::object mesh_of(const NodeReport& report) {
  json::array neighbors;
  for (const BackboneView& view : report.backbone) {
    if (const auto node = model::mesh_node_of(view.owner)) neighbors.push_back(neighbor_of(*node, view));
  }
  return {{"neighbors", std::move(neighbors)}, {"deletion_guard", guard_of(report.mesh_guard)}};
}

// How the loopback is; absent where the agent sees to none.
json::value loopback_of(const NodeReport& report) {
  const auto view = std::ranges::find(report.backbone, model::kLoopbackOwner, &BackboneView::owner);
  if (view == report.backbone.end()) return nullptr;
  const auto [state, cause] = words_of(view->condition);
  return json::object{{"state", state}, {"cause", cause}};
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

}  // namespace

std::string status_document(const StatusSource& source) {
  const auto report = source.report.read();
  const auto input = source.input.read();
  json::object document;
  document["version"] = std::string(version_text());
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
  json::array sessions;
  std::map<std::string, int> by_status;
  if (report != nullptr) {
    document["bird"] = json::object{{"version", report->step.bird_version},
                                    {"problem", report->step.bird_problem},
                                    {"policy_problem", report->step.policy_problem}};
    document["firewall"] = json::object{{"problem", report->step.firewall_problem}};
    document["loopback"] = loopback_of(*report);
    document["mesh"] = mesh_of(*report);
    document["deletion_guard"] = guard_of(report->guard);
    document["keeps_absent_sessions"] = report->keeps_absent;
    document["last_step"] = json::object{{"finished", utc(report->finished)},
                                         {"cpu_ms", static_cast<double>(report->cpu.count()) / 1000.0},
                                         {"planned", report->step.planned},
                                         {"failed", report->step.failed},
                                         {"error", report->error ? report->error->what : ""}};
    for (const auto& view : *report->sessions) {
      ++by_status[status_name(view.held_status)];
      sessions.push_back(session_of(view));
    }
  }
  json::object counts;
  for (const auto& [name, count] : by_status) counts[name] = count;
  document["sessions_by_status"] = std::move(counts);
  document["sessions"] = std::move(sessions);
  return json::serialize(document);
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
