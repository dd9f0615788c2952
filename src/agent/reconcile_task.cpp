#include "agent/reconcile_task.h"

#include <algorithm>

#include <fmt/format.h>

#include "agent/mesh_state.h"
#include "base/log.h"
#include "base/thread_cpu.h"

namespace moenet::agent {
namespace {

using model::SessionId;
using model::SessionRow;

// Drift without an event is looked for this often, or less often when looking is dear: it and all that follows from it
// may cost a 2,500th of the time, which keeps 100 idle sessions under 0.1 % of a core (docs/benchmarks.md).
constexpr std::chrono::seconds kLookAtLeast{60};
constexpr std::chrono::seconds kLookAtMost{5};
constexpr int kLookShare = 2500;
// No event tells of a handshake or of what Babel hears: for so long after a link of the mesh came, went or changed its
// state, that is looked for often, whatever a look costs.
constexpr std::chrono::minutes kMeshSettles{2};
// Events come in bursts (one link is a dozen): the first opens a window in which the others arrive.
constexpr std::chrono::milliseconds kSettle{50};

// How often a waiting task says that it is alive: well within any sensible WatchdogSec.
constexpr std::chrono::seconds kProgress{5};

// How often the name of a silent peer's endpoint is looked up (what the field's timers around wireguard-tools'
// reresolve-dns do).
constexpr std::chrono::seconds kLookUpAgain{30};

constexpr std::string_view kUnidentified =
    "the list of sessions holds a row without a readable uuid: while it does, no session is removed for being absent";

// A session that is left alone: it has no row, or none that may be believed.
SessionRow placeholder(const SessionId& uuid) {
  SessionRow row{.uuid = uuid, .asn = {}, .status = {}, .last_error = "", .session = std::unexpected(model::Fault{})};
  return row;
}

// Does the node carry something of a session that came out like this? `before`: it did at the last step. Of one that
// was left alone nothing new is known.
bool counts_as_configured(const model::Condition& condition, bool before) {
  if (std::holds_alternative<model::Unchanged>(condition)) return before;
  return std::holds_alternative<model::InPlace>(condition) || std::holds_alternative<model::Broken>(condition);
}

}  // namespace

LastGood LastGood::in(const std::string& folder, const StateIdentity& identity) {
  return {{folder, kSessionsAnswer, identity}, {folder, kMeshAnswer, identity}, {folder, kPolicyAnswer, identity}};
}

ReconcileTask::ReconcileTask(ReconcileWiring wiring)
    : wiring_(std::move(wiring)),
      reconciler_(wiring_.node, wiring_.settings),
      composer_(wiring_.context),
      limit_retry_(wiring_.limit_retry) {}

// Before the first list nothing is known to be wanted or unwanted, and nothing is taken.
Result<void> ReconcileTask::take_all(const SessionInput& input, bool allow_mass_delete, const std::stop_token& stop) {
  if (input.answer == nullptr) return {};
  if (taken_ == nullptr) TRY_VOID(look_before_all(stop));
  take_backbone(allow_mass_delete);
  take(input, allow_mass_delete);
  return {};
}

// Nothing may be judged before the node was seen once.
Result<void> ReconcileTask::look_before_all(const std::stop_token& stop) {
  TRY(const auto observed, wiring_.node.observe(Deadline::after(wiring_.settings.step_timeout), stop));
  configured_ = reconcile::sessions_in(observed);
  bird_version_ = observed.bird.version;
  wiring_.backbone.take_neighbors(reconcile::neighbors_in(observed));
  return {};
}

void ReconcileTask::take_backbone(bool allow_mass_delete) {
  if (const auto mesh = wiring_.mesh.read()) {
    wiring_.backbone.take_mesh(*mesh, allow_mass_delete);
    if (!wiring_.backbone.guard().holds) save(wiring_.last_good.mesh, mesh->body.get());
  }
  if (const auto policy = wiring_.policy.read()) {
    wiring_.backbone.take_policy(*policy);
    save(wiring_.last_good.policy, policy->body.get());
  }
  wiring_.backbone.take_roas(wiring_.roas.read());
}

void ReconcileTask::take(const SessionInput& input, bool allow_mass_delete) {
  if (input.answer == taken_ && input.number == taken_number_ && !allow_mass_delete) return;
  std::vector<SessionId> listed;
  listed.reserve(input.answer->rows.size());
  for (const auto& row : input.answer->rows) listed.push_back(row.uuid);
  listed = reconcile::distinct(std::move(listed));
  if (allow_mass_delete) guard_.allow_once();
  const bool is_from_disk = input.number == 0;
  if (!is_from_disk) verdict_ = guard_.judge(configured_, listed);

  if (!input.answer->all_identified && input.answer != taken_) {
    wiring_.ledger.record_rejected(kSessionSyncTask, {Errc::invalid, std::string(kUnidentified)});
    log::warning(kUnidentified);
  }
  if (is_from_disk || verdict_.holds || !input.answer->all_identified) {
    std::vector<SessionRow> rows = input.answer->rows;
    keep_vanished(listed, rows);
    rows_ = std::make_shared<const std::vector<SessionRow>>(std::move(rows));
  } else {
    rows_ = Composer::Rows(input.answer, &input.answer->rows);
  }
  taken_ = input.answer;
  taken_number_ = input.number;
  if (verdict_.holds) {
    log::warning("deletion guard holds: too many sessions vanished from the list at once",
                 {{"vanished", verdict_.vanished.size()}, {"seen", verdict_.seen}, {"needed", verdict_.needed}});
  } else if (!is_from_disk) {
    save(wiring_.last_good.sessions, input.answer->body.get());
  }
}

// Sessions that run here and are not listed stay as their last row said.
void ReconcileTask::keep_vanished(std::span<const SessionId> listed, std::vector<SessionRow>& rows) const {
  for (const SessionId& uuid : configured_) {
    if (std::ranges::binary_search(listed, uuid)) continue;
    const SessionRow* known = nullptr;
    if (rows_ != nullptr) {
      const auto at = std::ranges::find(*rows_, uuid, &SessionRow::uuid);
      if (at != rows_->end()) known = &*at;
    }
    rows.push_back(known != nullptr ? *known : placeholder(uuid));
  }
  std::ranges::sort(rows, {}, &SessionRow::uuid);
}

std::shared_ptr<const NodeReport> ReconcileTask::failed_look(const SessionInput& input, const Error& error) {
  wiring_.ledger.record(kReconcileTask, std::unexpected(error));
  auto report = std::make_shared<NodeReport>();
  report->answer = input.number;
  report->sync = input.sync;
  report->sync_error = input.sync_error;
  note_failure(*report, error);
  log_problem(error.what);
  ++counters_.failed_looks;
  report->counters = counters_;
  report->finished = wiring_.clock().wall;
  return report;
}

void ReconcileTask::save(StateFile& state, Latest<std::string>* body) {
  const auto text = body != nullptr ? body->read() : nullptr;
  if (text == nullptr) return;  // it is there
  const auto saved = state.save(*text);
  if (saved) body->put(std::shared_ptr<const std::string>());
  wiring_.ledger.record("stateFile", saved);
  if (!saved) log::error("the last good state cannot be kept on disk", {{"error", saved.error().what}});
}

std::shared_ptr<const NodeReport> ReconcileTask::step(const SessionInput& input, const std::stop_token& stop) {
  const auto cpu = thread_cpu();
  const auto now = wiring_.clock().steady;
  auto report = std::make_shared<NodeReport>();
  report->answer = input.number;
  report->sync = input.sync;
  report->sync_error = input.sync_error;
  report->guard = verdict_;
  report->mesh_guard = wiring_.backbone.guard();
  report->keeps_absent = !taken_->all_identified;
  report->rows = rows_;
  report->mesh = wiring_.backbone.mesh();
  const Lookup lookup = [&](std::string_view host, std::optional<IpFamily> family) {
    return wiring_.resolver.lookup(host, family);
  };
  const Composer::Limits limits = wiring_.limits.read();
  Composed wanted = joined(wiring_.backbone.compose(lookup, bird_version_, limits != nullptr ? *limits : MtuLimits{}),
                           composer_.compose(rows_, lookup, wiring_.qualities.read(), limits));
  wanted.state.switches = switches();
  auto done = reconciler_.step(std::move(wanted.state), wanted.status_of, now, stop);
  wiring_.ledger.record(kReconcileTask, done ? Result<void>{} : std::unexpected(done.error()),
                        wiring_.clock().steady - now);
  if (done) {
    report->step = std::move(*done);
    shut_protocols_ = report->step.shut_protocols;
    // Another BIRD than the policy was rendered for: the next step renders for it.
    if (!report->step.bird_version.empty() && std::exchange(bird_version_, report->step.bird_version) != bird_version_)
      report->step.retry_at = now;
    look_up_silent(*report, now);
    describe_backbone(*report, now);
    retry_limits(*report, now, stop);
    describe_sessions(*report);
    look_at_maintenance(*report, stop);
    if (report->step.planned > 0 || !has_shared_) wiring_.node.share(composer_.bird_files());
    has_shared_ = true;
  } else {
    note_failure(*report, done.error());
  }
  log_problem(done ? report->step.bird_problem : report->error->what);
  ++counters_.steps;
  if (!done) ++counters_.failed_looks;
  counters_.planned += report->step.planned;
  counters_.failed += report->step.failed;
  report->counters = counters_;
  report->finished = wiring_.clock().wall;
  report->cpu = thread_cpu() - cpu;
  return report;
}

// What was known of the sessions stays.
void ReconcileTask::note_failure(NodeReport& report, const Error& error) const {
  report.error = error;
  const auto last = wiring_.report.read();
  if (last == nullptr) return;
  SessionViews views = *last->sessions;
  for (SessionView& view : views) view.changes.clear();
  report.sessions = std::make_shared<const SessionViews>(std::move(views));
}

// When it comes, changes or goes, not at each step.
void ReconcileTask::log_problem(const std::string& problem) {
  if (problem == problem_) return;
  if (problem.empty()) {
    log::info("the node's problem is over", {{"problem", problem_}});
  } else {
    log::warning("the node has a problem", {{"problem", problem}});
  }
  problem_ = problem;
}

// Takes over the outcomes that are no session's; they come first.
void ReconcileTask::describe_backbone(NodeReport& report, SteadyTime now) {
  auto& outcomes = report.step.outcomes;
  const auto end =
      std::ranges::find_if(outcomes, [](const auto& outcome) { return !model::session_of(outcome.owner).empty(); });
  for (auto outcome = outcomes.begin(); outcome != end; ++outcome) {
    for (const auto& change : outcome->changes) log::info(change, {{"owner", outcome->owner}});
    report.backbone.push_back({std::move(outcome->owner), std::move(outcome->condition), outcome->retry_at,
                               outcome->handshake_age, outcome->is_heard_by_babel, std::move(outcome->changes)});
  }
  outcomes.erase(outcomes.begin(), end);
  auto states = mesh_states(report);
  if (states != mesh_states_) mesh_changed_ = now;
  mesh_states_ = std::move(states);
  for (const auto& change : report.step.changes) log::info(change);
}

// Joins the outcomes with what the control plane holds, and takes them over; both are sorted by uuid.
void ReconcileTask::describe_sessions(NodeReport& report) {
  SessionViews views;
  views.reserve(report.step.outcomes.size());
  auto row = rows_->begin();
  for (auto& outcome : report.step.outcomes) {
    SessionView view;
    const std::string_view uuid = model::session_of(outcome.owner);
    while (row != rows_->end() && row->uuid < uuid) ++row;
    const bool has_row = row != rows_->end() && row->uuid == uuid;
    view.uuid = has_row ? row->uuid : SessionId(uuid);
    for (const auto& change : outcome.changes) log::info(change, {{"session", view.uuid}, {"asn", outcome.asn}});
    view.asn = outcome.asn;
    view.condition = std::move(outcome.condition);
    view.retry_at = outcome.retry_at;
    view.limit_try = limit_retry_.told(outcome.owner);
    view.changes = std::move(outcome.changes);
    if (has_row) {
      view.held_status = row->status;
      view.held_error = row->last_error;
      if (row->session) {
        view.name = shared_with(row->session->name, escape_for_log(row->session->name, 64));
        view.interface_name = row->session->interface_name;
      }
    }
    views.push_back(std::move(view));
  }
  report.step.outcomes = std::vector<reconcile::PeeringOutcome>();  // with its memory, which `= {}` would keep
  note_configured(views);
  const auto last = wiring_.report.read();
  report.sessions = last != nullptr && *last->sessions == views
                        ? last->sessions
                        : std::make_shared<const SessionViews>(std::move(views));
  for (const auto& owner : report.step.removed) log::info("removed what nobody wants any more", {{"owner", owner}});
}

// Both are sorted.
void ReconcileTask::note_configured(const SessionViews& views) {
  const std::vector<SessionId> before = std::exchange(configured_, {});
  configured_.reserve(views.size());
  for (const SessionView& view : views) {
    if (counts_as_configured(view.condition, std::ranges::binary_search(before, view.uuid)))
      configured_.push_back(view.uuid);
  }
}

// The host may have another address by now. An answer that differs wakes this task, and the silent peer gets it.
void ReconcileTask::look_up_silent(const NodeReport& report, SteadyTime now) {
  std::erase_if(looked_up_, [&](const auto& entry) { return now - entry.second >= kLookUpAgain; });
  const auto look_up = [&](const NamedEndpoint& endpoint) {
    const auto outcome =
        std::ranges::lower_bound(report.step.outcomes, endpoint.owner, {}, &reconcile::PeeringOutcome::owner);
    if (outcome == report.step.outcomes.end() || outcome->owner != endpoint.owner || !outcome->is_silent) return;
    if (looked_up_.try_emplace({endpoint.host, endpoint.family}, now).second)
      wiring_.resolver.refresh(endpoint.host, endpoint.family);
  };
  std::ranges::for_each(wiring_.backbone.named_endpoints(), look_up);
  std::ranges::for_each(composer_.named_endpoints(), look_up);
}

SteadyTime ReconcileTask::next_look(const NodeReport* report, std::chrono::microseconds cpu) const {
  const auto now = wiring_.clock().steady;
  if (report == nullptr) return now + kLookAtMost;
  const bool awaits_mesh = now - mesh_changed_ < kMeshSettles;
  const std::chrono::microseconds dear = awaits_mesh ? std::chrono::microseconds(0) : cpu * kLookShare;
  auto next = now + std::clamp<std::chrono::microseconds>(dear, kLookAtMost, kLookAtLeast);
  if (report->step.retry_at) next = std::min<SteadyTime>(next, *report->step.retry_at);
  return next;
}

std::shared_ptr<const NodeReport> ReconcileTask::attempt(const std::stop_token& abort) {
  std::shared_ptr<const NodeReport> report;
  std::vector<NodeRequest> restarts = serve_maintenance(wiring_.requests.take());
  wiring_.backbone.set_drain(wiring_.maintenance.drain());
  if (const auto input = wiring_.input.read()) {
    const auto taken = take_all(*input, allow_mass_delete_.exchange(false), abort);
    if (!taken) {
      report = failed_look(*input, taken.error());
    } else if (taken_ != nullptr) {
      report = step_with_restarts(*input, std::exchange(restarts, {}), abort);
    }
    if (report != nullptr) wiring_.report.put(report);
    wiring_.on_report(report);
  }
  for (const NodeRequest& request : restarts)
    request.answer(fail(Errc::unavailable, "the node's sessions are not known yet"));
  return report;
}

void ReconcileTask::run(const std::stop_token& stop, const std::stop_token& abort) {
  while (!stop.stop_requested()) {
    const auto cpu = thread_cpu();
    const auto report = attempt(abort);
    wiring_.on_progress();
    const Deadline next(next_look(report.get(), thread_cpu() - cpu));
    while (!wiring_.wakeup.wait(next.or_sooner(kProgress), stop) && !next.passed() && !stop.stop_requested()) {
      wiring_.on_progress();
    }
    if (!stop.stop_requested() && !next.passed()) settle_.wait(Deadline::after(kSettle), stop);
  }
}

}  // namespace moenet::agent
