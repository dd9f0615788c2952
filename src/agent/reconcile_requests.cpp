// What operators ask of reconcileTask: maintenance between its steps, restarts of sessions around one.
#include <algorithm>

#include "agent/reconcile_task.h"
#include "agent/session_restart.h"
#include "base/log.h"
#include "bird/render.h"

namespace moenet::agent {
namespace {

// How often a drain, a restoration or the shutting of sessions is looked at (chosen: people wait for it).
constexpr std::chrono::seconds kWatchMaintenance{1};
// BIRD counts the routes of 5,000 sessions in 46 ms (measured), and answers nobody while it parses.
constexpr std::chrono::seconds kCountWithin{10};
constexpr std::chrono::seconds kRetakeWithin{5};
// Of a restart's own calls to WireGuard and BIRD.
constexpr std::chrono::seconds kRestartWithin{15};

// BIRD's protocols of the sessions that are in place, sorted.
std::vector<std::string> protocols_in_place(const SessionViews& sessions) {
  std::vector<std::string> protocols;
  for (const SessionView& view : sessions) {
    if (std::holds_alternative<model::InPlace>(view.condition)) protocols.push_back(bird::protocol_name(view.asn));
  }
  std::ranges::sort(protocols);
  return protocols;
}

}  // namespace

// The one order that measuring leads to. In the words and places of all other changes, though no plan asked for it.
void ReconcileTask::retry_limits(NodeReport& report, SteadyTime now, const std::stop_token& stop) {
  if (const auto measurement = wiring_.measurement.read()) limit_retry_.take(*measurement);
  for (const model::Owner& owner : limit_retry_.due(now)) {
    auto& outcomes = report.step.outcomes;
    const auto outcome = std::ranges::lower_bound(outcomes, owner, {}, &reconcile::PeeringOutcome::owner);
    const bool is_there = outcome != outcomes.end() && outcome->owner == owner;
    if (!is_there || !std::holds_alternative<model::InPlace>(outcome->condition)) {
      limit_retry_.note_tried(owner, false, now, wiring_.clock().wall);
      continue;
    }
    reconcile::BirdAction action;
    action.orders.push_back({owner, bird::protocol_name(outcome->asn), reconcile::SessionOrder::Kind::retake});
    const auto done = wiring_.node.apply_bird(action, Deadline::after(kRetakeWithin), stop);
    const Moment tried = wiring_.clock();
    limit_retry_.note_tried(owner, done.has_value(), tried.steady, tried.wall);
    if (done) {
      outcome->changes.push_back(reconcile::describe(action.orders.front()));
      ++report.step.planned;
    } else {
      log::warning("what an import limit blocked cannot be taken again",
                   {{"owner", owner}, {"error", done.error().what}});
    }
  }
  if (const auto next = limit_retry_.next())
    report.step.retry_at = std::min(report.step.retry_at.value_or(*next), *next);
}

// The others, which are restarts, are left.
std::vector<NodeRequest> ReconcileTask::serve_maintenance(std::vector<NodeRequest> requests) {
  const auto serve = [this](const NodeRequest& request) {
    if (const auto* start = std::get_if<StartMaintenance>(&request.what)) {
      request.answer(wiring_.maintenance.start(start->options, wiring_.clock().wall));
    } else if (std::holds_alternative<StopMaintenance>(request.what)) {
      request.answer(wiring_.maintenance.stop());
    } else {
      return false;
    }
    return true;
  };
  std::erase_if(requests, serve);
  return requests;
}

std::shared_ptr<const NodeReport> ReconcileTask::step_with_restarts(const SessionInput& input,
                                                                    std::vector<NodeRequest> restarts,
                                                                    const std::stop_token& stop) {
  const auto before = wiring_.report.read();
  const auto known = before != nullptr ? before->sessions : std::make_shared<const SessionViews>();
  std::vector<Result<SessionRestart>> begun;
  for (const NodeRequest& request : restarts) {
    begun.push_back(SessionRestart::begin(wiring_.node, *known, std::get<RestartSession>(request.what),
                                          Deadline::after(kRestartWithin), stop));
  }
  auto report = step(input, stop);
  for (std::size_t i = 0; i < restarts.size(); ++i) {
    Result<void> done = begun[i]
                            ? begun[i]->finish(wiring_.node, *report->sessions, Deadline::after(kRestartWithin), stop)
                            : std::unexpected(begun[i].error());
    restarts[i].answer(done);
  }
  return report;
}

// What is down and no business of maintenance's was disabled by an operator. It counts when it was so at the last look:
// a protocol that BIRD starts anew is down for an instant.
model::SessionSwitches ReconcileTask::switches() const {
  model::SessionSwitches wish = wiring_.maintenance.switches();
  for (const std::string& name : shut_protocols_) {
    if (!std::ranges::binary_search(wish.shut, name) && !std::ranges::binary_search(wish.reopen, name))
      wish.kept.push_back(name);
  }
  return wish;
}

void ReconcileTask::look_at_maintenance(NodeReport& report, const std::stop_token& stop) {
  MaintenanceKeeper& maintenance = wiring_.maintenance;
  if (!maintenance.is_draining() && maintenance.is_settled()) return;
  MaintenanceLook look;
  look.policy_in_place = report.step.policy_in_place;
  look.sessions = protocols_in_place(*report.sessions);
  look.shut_protocols = report.step.shut_protocols;
  if (maintenance.is_draining()) {
    auto counts = wiring_.node.count_routes(Deadline::after(kCountWithin), stop);
    if (counts) look.preferred = 0;
    for (const auto& each : counts.value_or(std::vector<model::RouteCounts>())) {
      if (std::ranges::binary_search(look.sessions, each.protocol)) *look.preferred += each.preferred;
    }
  }
  const Moment now = wiring_.clock();
  look.now = now.steady;
  look.wall = now.wall;
  maintenance.look(look);
  if (maintenance.is_settled()) return;
  const auto again = look.now + kWatchMaintenance;
  report.step.retry_at = std::min(report.step.retry_at.value_or(again), again);
}

}  // namespace moenet::agent
