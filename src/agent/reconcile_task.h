// reconcileTask: the only writer of the node. It takes the last answer of the control plane, guards against mass
// deletion, lets the reconciler take a step, and publishes what came of it. It wakes for a new answer, for drift, for a
// retry, and every so often to look for drift that no event tells of (a WireGuard key changed by hand).
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/backbone.h"
#include "agent/compose.h"
#include "agent/ledger.h"
#include "agent/limit_retry.h"
#include "agent/maintenance_keeper.h"
#include "agent/node_request.h"
#include "agent/roa_task.h"
#include "agent/session_sync.h"
#include "agent/state_file.h"
#include "base/latest.h"
#include "base/moment.h"
#include "net/resolver.h"
#include "reconcile/deletion_guard.h"
#include "reconcile/reconciler.h"

namespace moenet::agent {

inline constexpr std::string_view kReconcileTask = "reconcileTask";

// One session as /status and the report see it: what the control plane holds, and what has become of it here.
struct SessionView {
  model::SessionId uuid;
  model::Asn asn = 0;
  SharedText name;  // escaped, for people
  std::string interface_name;
  std::optional<std::int64_t> held_status;  // at the control plane
  SharedText held_error;
  model::Condition condition;
  std::optional<SteadyTime> retry_at;
  std::optional<LimitTry> limit_try;  // of a session whose import limit was hit
  std::vector<std::string> changes;   // what this step did for it, in words

  friend bool operator==(const SessionView&, const SessionView&) = default;
};
using SessionViews = std::vector<SessionView>;

// The loopback or a neighbor in the mesh, and what has become of it.
struct BackboneView {
  model::Owner owner;
  model::Condition condition;
  std::optional<SteadyTime> retry_at;
  std::optional<std::chrono::seconds> handshake_age;  // at `finished` of its report; absent: never, or not seen
  bool is_heard_by_babel = false;
  std::vector<std::string> changes;

  friend bool operator==(const BackboneView&, const BackboneView&) = default;
};

// Since the agent started.
struct StepCounters {
  std::uint64_t steps = 0;
  std::uint64_t failed_looks = 0;  // the node could not be observed
  std::uint64_t planned = 0;       // actions
  std::uint64_t failed = 0;        // actions
};

// The result of a step. Immutable once published.
struct NodeReport {
  // Sorted by uuid; never null. The same object as in the report before when nothing is new, so that a step which does
  // nothing leaves nothing in memory.
  std::shared_ptr<const SessionViews> sessions = std::make_shared<const SessionViews>();
  std::vector<BackboneView> backbone;       // sorted by owner
  Composer::Rows rows;                      // that `sessions` were made of, sorted by uuid; null before the first
  std::shared_ptr<const model::Mesh> mesh;  // that `backbone` was made of; null while none is known
  reconcile::StepReport step;               // without its outcomes
  std::uint64_t answer = 0;                 // SessionInput::number it worked from
  std::uint64_t sync = 0;
  std::string sync_error;
  reconcile::DeletionGuard::Verdict guard;
  reconcile::DeletionGuard::Verdict mesh_guard;
  bool keeps_absent = false;   // a row of the list has no readable uuid, so absence means nothing
  std::optional<Error> error;  // the node could not even be observed; `sessions` are then as they were
  WallTime finished{};
  std::chrono::microseconds cpu{0};  // of this step, this thread
  StepCounters counters;             // with this step
};

// What the control plane said last and was believed, on disk.
struct LastGood {
  StateFile sessions;
  StateFile mesh;
  StateFile policy;

  static LastGood in(const std::string& folder, const StateIdentity& identity);
};

struct ReconcileWiring {
  reconcile::Node& node;
  NodeContext context;
  reconcile::ReconcilerSettings settings;
  net::Resolver& resolver;
  TaskLedger& ledger;
  Latest<SessionInput>& input;
  Latest<Known<model::Mesh>>& mesh;
  Latest<Known<model::BirdPolicy>>& policy;
  Latest<RoaTable>& roas;
  const Latest<LinkQualities>& qualities;
  const Latest<Measurement>& measurement;
  std::chrono::seconds limit_retry;  // HealthSettings
  const Latest<MtuLimits>& limits;
  Backbone& backbone;              // this task's alone
  MaintenanceKeeper& maintenance;  // this task's alone
  NodeRequests& requests;
  Wakeup& wakeup;
  Latest<NodeReport>& report;
  LastGood last_good;
  // After each attempt, on this task's thread; must be quick. Null when there was no list of sessions yet.
  std::function<void(const std::shared_ptr<const NodeReport>&)> on_report;
  std::function<void()> on_progress;  // feeds the watchdog
  std::function<Moment()> clock = moment_now;
};

class ReconcileTask {
 public:
  explicit ReconcileTask(ReconcileWiring wiring);
  // `stop` ends the loop after the step under way; `abort` ends that step too, at the next point where nothing is left
  // half done.
  void run(const std::stop_token& stop, const std::stop_token& abort);

  // What run() does between two waits: serves what is asked, and steps towards the last answer. What it published; null
  // when there was no list of sessions yet.
  std::shared_ptr<const NodeReport> attempt(const std::stop_token& abort);
  // When the next attempt is due after one that gave `report` and cost `cpu`, unless something wakes the task before.
  SteadyTime next_look(const NodeReport* report, std::chrono::microseconds cpu) const;

  // The operator's `sync --allow-mass-delete`. Thread-safe.
  void allow_mass_delete() { allow_mass_delete_ = true; }

 private:
  Result<void> take_all(const SessionInput& input, bool allow_mass_delete, const std::stop_token& stop);
  Result<void> look_before_all(const std::stop_token& stop);
  void take(const SessionInput& input, bool allow_mass_delete);
  void take_backbone(bool allow_mass_delete);
  std::vector<NodeRequest> serve_maintenance(std::vector<NodeRequest> requests);
  std::shared_ptr<const NodeReport> step_with_restarts(const SessionInput& input, std::vector<NodeRequest> restarts,
                                                       const std::stop_token& stop);
  model::SessionSwitches switches() const;
  void look_at_maintenance(NodeReport& report, const std::stop_token& stop);
  void keep_vanished(std::span<const model::SessionId> listed, std::vector<model::SessionRow>& rows) const;
  void save(StateFile& state, Latest<std::string>* body);
  std::shared_ptr<const NodeReport> step(const SessionInput& input, const std::stop_token& stop);
  std::shared_ptr<const NodeReport> failed_look(const SessionInput& input, const Error& error);
  void note_failure(NodeReport& report, const Error& error) const;
  void describe_backbone(NodeReport& report, SteadyTime now);
  void describe_sessions(NodeReport& report);
  void retry_limits(NodeReport& report, SteadyTime now, const std::stop_token& stop);
  void note_configured(const SessionViews& views);
  void look_up_silent(const NodeReport& report, SteadyTime now);
  void log_problem(const std::string& problem);

  ReconcileWiring wiring_;
  reconcile::Reconciler reconciler_;
  reconcile::DeletionGuard guard_;
  reconcile::DeletionGuard::Verdict verdict_;
  std::atomic<bool> allow_mass_delete_{false};
  StepCounters counters_;
  Wakeup settle_;                               // never notified: a wait that a stop ends
  std::shared_ptr<const SessionAnswer> taken_;  // the answer that rows_ was made from
  std::uint64_t taken_number_ = 0;
  Composer::Rows rows_;  // the answer's own, or with those that are kept although it lacks them
  Composer composer_;
  LimitRetry limit_retry_;
  std::string bird_version_;                        // as seen last
  std::map<std::string, std::string> mesh_states_;  // as of the last step
  SteadyTime mesh_changed_{};
  std::vector<std::string> shut_protocols_;   // as seen last, sorted
  bool has_shared_ = false;                   // the composer's files with the node
  std::string problem_;                       // of the node as a whole, as logged last; empty when there is none
  std::vector<model::SessionId> configured_;  // sessions of which this node carries something; sorted
  // Hosts of silent peers, looked up again not long ago.
  std::map<std::pair<std::string, std::optional<IpFamily>>, SteadyTime> looked_up_;
};

}  // namespace moenet::agent
