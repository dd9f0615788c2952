#include "reconcile/reconciler.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "reconcile/conflicts.h"
#include "reconcile/content.h"
#include "reconcile/difference.h"
#include "reconcile/execution.h"
#include "reconcile/observed_index.h"

namespace moenet::reconcile {
namespace {

using model::Broken;
using model::DesiredPeering;
using model::DesiredState;
using model::Intent;
using model::Invalid;

DesiredPeering* find(DesiredState& desired, const model::Owner& owner) {
  const auto at = std::ranges::lower_bound(desired.peerings, owner, {}, &DesiredPeering::owner);
  return at != desired.peerings.end() && at->owner == owner ? &*at : nullptr;
}

void want_nothing(DesiredPeering& peering, Intent intent) {
  peering.intent = intent;
  peering.tunnel.reset();
  peering.bird_file.reset();
}

// Half to the full ceiling; where in between depends on who waits and how often it failed, so that sessions which fail
// together do not come back together. No randomness: a step can be repeated exactly.
std::chrono::milliseconds wait_of(const Backoff& retry, unsigned attempt, std::string_view who) {
  const std::size_t spread = (std::hash<std::string_view>()(who) + attempt * 2'654'435'761u) % 1024;
  return retry.ceiling(attempt) * static_cast<long>(1024 + spread) / 2048;
}

std::string text_of_bird_problem(const BirdState& bird) {
  if (bird.reachable || !bird.problem.empty()) return bird.problem;
  return "BIRD does not answer";
}

void take_earliest(std::optional<SteadyTime>& earliest, const std::optional<SteadyTime>& other) {
  if (other && (!earliest || *other < *earliest)) earliest = other;
}

// Owners that nobody wanted, and that had something before and have nothing now.
std::vector<model::Owner> removed_owners(const DesiredState& desired, const NodeState& before,
                                         const ObservedIndex& after) {
  std::set<model::Owner> owners;
  const auto note = [&](const model::Owner& owner) {
    const auto left = after.of(owner);
    if (left.first_tunnel == ObservedIndex::kNone && left.first_file == ObservedIndex::kNone) owners.insert(owner);
  };
  for (const model::Tunnel& tunnel : before.tunnels) note(tunnel.owner);
  for (const auto& file : before.bird.files) note(file->owner);
  if (owners.empty()) return {};
  for (const DesiredPeering& peering : desired.peerings) owners.erase(peering.owner);
  return {owners.begin(), owners.end()};
}

// A session that was fine before its row turned invalid goes on as it was, and is a problem, not a teardown.
void spare_what_runs(DesiredState& desired, const NodeState& observed) {
  std::optional<std::set<model::Owner>> running;
  for (DesiredPeering& peering : desired.peerings) {
    const auto* invalid = peering.verdict ? std::get_if<Invalid>(&*peering.verdict) : nullptr;
    if (invalid == nullptr || peering.intent != Intent::untouched) continue;
    if (!running) {
      running.emplace();
      for (const model::Tunnel& tunnel : observed.tunnels) running->insert(tunnel.owner);
      for (const auto& file : observed.bird.files) running->insert(file->owner);
    }
    if (running->contains(peering.owner)) peering.verdict = Broken{invalid->cause};
  }
}

const model::Tunnel* tunnel_of(const DesiredPeering& peering, const NodeState& observed) {
  if (!peering.tunnel) return nullptr;
  const auto tunnel = std::ranges::lower_bound(observed.tunnels, peering.tunnel->name, {}, &model::Tunnel::name);
  return tunnel != observed.tunnels.end() && tunnel->name == peering.tunnel->name ? &*tunnel : nullptr;
}

// Is its endpoint's name not resolved, and the tunnel without one from before?
bool lacks_endpoint(const DesiredPeering& peering, const NodeState& observed) {
  if ((peering.endpoint_problem.empty() && !peering.awaits_endpoint) || !peering.tunnel) return false;
  const model::Tunnel* tunnel = tunnel_of(peering, observed);
  return tunnel == nullptr || tunnel->configured_endpoint.empty();
}

// Of a GRE peer nothing is heard but BGP.
bool has_silent_peer(const DesiredPeering& peering, const NodeState& observed) {
  const model::Tunnel* tunnel = peering.has_named_endpoint ? tunnel_of(peering, observed) : nullptr;
  if (tunnel == nullptr) return false;
  if (tunnel->gre) return std::ranges::binary_search(observed.bird.silent_protocols, peering.protocol);
  return std::ranges::any_of(tunnel->peers, is_silent);
}

// A GRE link cannot be made without its remote, as a WireGuard one can that waits for its peer's address: until the
// name resolves, nothing is made.
void await_remotes(DesiredState& desired, const NodeState& observed) {
  for (DesiredPeering& peering : desired.peerings) {
    const model::Tunnel* wanted = peering.intent == Intent::present ? peering.tunnel.get() : nullptr;
    if (wanted == nullptr || !wanted->gre || wanted->gre->remote) continue;
    if (kept_for(*wanted, observed) != nullptr) continue;
    if (!peering.awaits_endpoint) peering.verdict = Broken{peering.endpoint_problem};
    want_nothing(peering, Intent::untouched);
  }
}

bool runs_policy(const BirdState& bird, const DesiredState& desired) {
  if (!bird.reachable || bird.was_cut_off || !desired.policy) return false;
  return std::ranges::all_of(*desired.policy, [&](const auto& wanted) {
    const auto at = std::ranges::lower_bound(bird.files, wanted->name, {},
                                             [](const auto& file) -> const std::string& { return file->name; });
    return at != bird.files.end() && **at == *wanted;
  });
}

std::optional<std::chrono::seconds> handshake_age_of(const DesiredPeering& peering, const NodeState& observed) {
  const model::Tunnel* tunnel = tunnel_of(peering, observed);
  return tunnel == nullptr || tunnel->peers.empty() ? std::nullopt : tunnel->peers.front().handshake_age;
}

}  // namespace

struct Reconciler::Round {
  const DesiredState& desired;
  const std::set<model::Owner>& waiting;  // for their next attempt
  const Plan& plan;
  const NodeState& before;
  SteadyTime now;
  Execution execution;
  // The last observation, unless nothing was done because nothing was to do: then all is in place.
  std::optional<ObservedIndex> after;
};

void Reconciler::forget_changed(const DesiredState& desired) {
  std::erase_if(memory_, [&](const auto& entry) {
    const auto at = std::ranges::lower_bound(desired.peerings, entry.first, {}, &DesiredPeering::owner);
    return at == desired.peerings.end() || at->owner != entry.first || content_of(*at) != entry.second.content;
  });
}

std::set<model::Owner> Reconciler::prepare(DesiredState& desired, const std::vector<std::int64_t>& status_of,
                                           const NodeState& observed, SteadyTime now) const {
  for (const auto& [owner, memory] : memory_) {
    if (!memory.refused) continue;
    DesiredPeering* peering = find(desired, owner);
    if (peering == nullptr || peering->intent != Intent::present || content_of(*peering) != memory.content) continue;
    want_nothing(*peering, Intent::absent);
    peering->verdict = Invalid{memory.cause};
  }
  spare_what_runs(desired, observed);
  await_remotes(desired, observed);
  settle_conflicts(desired, status_of, observed);
  std::set<model::Owner> waiting;
  if (memory_.empty()) return waiting;
  const ObservedIndex index(observed);
  for (const auto& [owner, memory] : memory_) {
    DesiredPeering* peering = find(desired, owner);
    if (memory.refused || memory.not_before <= now || peering == nullptr || peering->verdict) continue;
    if (content_of(*peering) != memory.content || obstacle(*peering, index).empty()) continue;
    want_nothing(*peering, Intent::untouched);
    peering->verdict = Broken{memory.cause};
    waiting.insert(owner);
  }
  return waiting;
}

// A policy that BIRD refused is not wanted again before its time, unless it is another by now.
void Reconciler::prepare_policy(DesiredState& desired, SteadyTime now) const {
  if (!desired.policy || policy_memory_.failures == 0 || policy_memory_.not_before <= now) return;
  if (content_of(*desired.policy) == policy_memory_.content) desired.policy.reset();
}

void Reconciler::execute_firewall(Round& round) {
  if (!round.plan.firewall) {
    firewall_memory_ = {};
    return;
  }
  const std::size_t content = content_of(*round.plan.firewall);
  if (content != firewall_memory_.content) firewall_memory_ = {};
  firewall_memory_.content = content;
  if (firewall_memory_.failures > 0 && round.now < firewall_memory_.not_before) return;
  round.execution.apply_firewall();
  if (const auto& error = round.execution.firewall_error()) {
    firewall_memory_.not_before = round.now + wait_of(settings_.retry, firewall_memory_.failures++, "firewall");
    firewall_memory_.cause = error->what;
  } else {
    firewall_memory_ = {};
  }
}

void Reconciler::note_policy(const Round& round) {
  if (!round.desired.policy) return;  // it waits, or none is known
  const std::string& refusal = round.execution.policy_refusal();
  const std::size_t content = content_of(*round.desired.policy);
  if (refusal.empty() || content != policy_memory_.content) policy_memory_ = {};
  if (refusal.empty()) return;
  policy_memory_.content = content;
  policy_memory_.cause = refusal;
  policy_memory_.not_before = round.now + wait_of(settings_.retry, policy_memory_.failures++, model::kPolicyOwner);
}

void Reconciler::execute_bird(Round& round) {
  const BirdAction action = round.execution.bird_action();
  if (action.empty()) {
    bird_memory_ = {};
    return;
  }
  const std::size_t content = content_of(action);
  if (content != bird_memory_.content) {
    bird_memory_ = {};
    bird_memory_.content = content;
  }
  if (bird_memory_.failures > 0 && round.now < bird_memory_.not_before) return round.execution.withhold_bird(action);
  round.execution.apply_bird(action);
  if (const auto& error = round.execution.bird_error()) {
    bird_memory_.not_before = round.now + wait_of(settings_.retry, bird_memory_.failures++, "BIRD");
    bird_memory_.cause = error->what;
  } else {
    bird_memory_ = {};
  }
}

void Reconciler::execute(Round& round) {
  execute_firewall(round);
  round.execution.prepare_tunnels();
  execute_bird(round);
  note_policy(round);
  round.execution.remove_tunnels();
  for (const DesiredPeering& peering : round.desired.peerings) {
    if (round.execution.refusals().empty()) break;
    const auto refusal = round.execution.refusals().find(peering.owner);
    if (refusal == round.execution.refusals().end() || peering.intent != Intent::present) continue;
    Memory& memory = memory_[peering.owner] = {};
    memory.content = content_of(peering);
    memory.cause = "BIRD refuses it: " + refusal->second;
    memory.refused = true;
  }
}

void Reconciler::remember_failure(const DesiredPeering& peering, const std::string& cause, SteadyTime now) {
  Memory& memory = memory_[peering.owner];
  memory.content = content_of(peering);
  memory.cause = cause;
  memory.not_before = now;
  if (memory.failures > 0) memory.not_before += wait_of(settings_.retry, memory.failures - 1, peering.owner);
  ++memory.failures;
}

PeeringOutcome Reconciler::outcome_of(const DesiredPeering& peering, const Round& round) {
  PeeringOutcome outcome;
  outcome.owner = peering.owner;
  outcome.asn = peering.asn;
  const Execution& execution = round.execution;
  const model::Owner& owner = peering.owner;
  if (const auto at = execution.changes().find(owner); at != execution.changes().end()) outcome.changes = at->second;
  if (peering.verdict) {
    outcome.condition = *peering.verdict;
    if (round.waiting.contains(peering.owner)) outcome.retry_at = memory_[peering.owner].not_before;
    return outcome;
  }
  if (peering.intent == Intent::untouched) {
    outcome.condition = model::Unchanged{};
    return outcome;
  }
  if (execution.refusals().contains(owner) && peering.intent == Intent::present) {
    outcome.condition = Invalid{memory_[peering.owner].cause};
    return outcome;
  }
  const std::string obstacle_now = round.after ? obstacle(peering, *round.after) : std::string();
  if (obstacle_now.empty()) {
    if (!memory_.empty()) memory_.erase(peering.owner);
    if (peering.intent == Intent::present &&
        lacks_endpoint(peering, round.after ? round.after->state() : round.before)) {
      outcome.condition =
          peering.awaits_endpoint ? model::Condition(model::Unchanged{}) : Broken{peering.endpoint_problem};
      outcome.retry_at = round.now + settings_.retry.initial;
      return outcome;
    }
    outcome.condition =
        peering.intent == Intent::present ? model::Condition(model::InPlace{}) : model::Condition(model::Removed{});
    return outcome;
  }
  const auto failure = execution.failures().find(owner);
  const bool has_failed = failure != execution.failures().end();
  if (!has_failed && !bird_memory_.cause.empty()) {
    outcome.condition = Broken{"BIRD cannot be configured: " + bird_memory_.cause};
    outcome.retry_at = bird_memory_.not_before;
  } else if (!has_failed && !round.after->state().bird.reachable) {
    outcome.condition = Broken{obstacle_now};
    outcome.retry_at = round.now + settings_.retry.initial;
  } else {
    remember_failure(peering, has_failed ? failure->second : obstacle_now, round.now);
    outcome.condition = Broken{memory_[peering.owner].cause};
    outcome.retry_at = memory_[peering.owner].not_before;
  }
  return outcome;
}

StepReport Reconciler::report_of(const Round& round) {
  const BirdState& bird = round.after ? round.after->state().bird : round.before.bird;
  StepReport report;
  report.outcomes.reserve(round.desired.peerings.size());
  for (const DesiredPeering& peering : round.desired.peerings) {
    report.outcomes.push_back(outcome_of(peering, round));
    PeeringOutcome& outcome = report.outcomes.back();
    const NodeState& state = round.after ? round.after->state() : round.before;
    outcome.is_silent = has_silent_peer(peering, state);
    if (peering.asn == 0 && peering.tunnel) {
      outcome.handshake_age = handshake_age_of(peering, state);
      outcome.is_heard_by_babel = std::ranges::binary_search(state.bird.babel_interfaces, peering.tunnel->name);
    }
    take_earliest(report.retry_at, report.outcomes.back().retry_at);
  }
  if (round.execution.is_changed()) report.removed = removed_owners(round.desired, round.before, *round.after);
  report.planned = round.plan.size();
  report.failed = round.execution.failed();
  report.configured_bird = round.execution.configured_bird();
  report.bird_problem = bird_memory_.cause.empty() ? text_of_bird_problem(bird) : bird_memory_.cause;
  report.policy_problem = policy_memory_.cause;
  report.firewall_problem =
      round.before.firewall.problem.empty() ? firewall_memory_.cause : round.before.firewall.problem;
  if (const auto change = round.execution.changes().find("firewall"); change != round.execution.changes().end())
    report.changes = change->second;
  report.bird_version = bird.version;
  report.policy_in_place = report.bird_problem.empty() && runs_policy(bird, round.desired);
  report.shut_protocols = bird.shut_protocols;
  if (!bird_memory_.cause.empty()) take_earliest(report.retry_at, bird_memory_.not_before);
  if (!policy_memory_.cause.empty()) take_earliest(report.retry_at, policy_memory_.not_before);
  if (!firewall_memory_.cause.empty()) take_earliest(report.retry_at, firewall_memory_.not_before);
  // This step's own ROAs made it so.
  if (bird.has_stale_verdicts && bird_memory_.cause.empty()) take_earliest(report.retry_at, round.now);
  return report;
}

Result<StepReport> Reconciler::step(DesiredState desired, const std::vector<std::int64_t>& status_of, SteadyTime now,
                                    const std::stop_token& stop) {
  const Deadline deadline(now + settings_.step_timeout);
  TRY(const NodeState before, node_.observe(deadline, stop));
  forget_changed(desired);
  const auto waiting = prepare(desired, status_of, before, now);
  prepare_policy(desired, now);
  const Plan planned = plan(desired, before);
  Round round{desired, waiting, planned, before, now, Execution(node_, planned, before, deadline, stop), {}};
  execute(round);
  if (stop.stop_requested()) return fail(Errc::cancelled, "reconcile: stopped");
  if (!round.execution.is_changed()) {
    // By the law that plan(d, o) is empty only where d is in place or blocked, as long as BIRD could be asked.
    if (!planned.empty() || !planned.blocked.empty() || !before.bird.reachable) round.after.emplace(before);
    return report_of(round);
  }
  TRY(const NodeState after, node_.observe(deadline, stop));
  round.after.emplace(after);
  return report_of(round);
}

Result<Plan> Reconciler::preview(DesiredState desired, const std::vector<std::int64_t>& status_of,
                                 const std::stop_token& stop) {
  TRY(const NodeState observed, node_.observe(Deadline::after(settings_.step_timeout), stop));
  prepare(desired, status_of, observed, SteadyTime::max());
  return plan(desired, observed);
}

}  // namespace moenet::reconcile
