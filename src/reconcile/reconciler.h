// Reconciler: one step from desired state to the node and back to an outcome per session. It owns what must be
// remembered between steps: retries with backoff, and sessions that BIRD refused. No thread, no clock: time is an
// argument.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/result.h"
#include "model/desired.h"
#include "reconcile/node.h"
#include "reconcile/plan.h"

namespace moenet::reconcile {

struct PeeringOutcome {
  model::Owner owner;
  model::Asn asn = 0;
  model::Condition condition;
  std::optional<SteadyTime> retry_at;  // of a Broken one
  bool is_silent =
      false;  // its endpoint is a name, and the peer has not shaken hands of late: the name may lead elsewhere by now
  std::vector<std::string> changes;  // what this step did for it, in words
  // Of a mesh neighbor:
  std::optional<std::chrono::seconds> handshake_age;  // absent: never, or not seen
  bool is_heard_by_babel = false;
};

struct StepReport {
  std::vector<PeeringOutcome> outcomes;  // sorted by owner; one per desired peering
  std::vector<std::string> changes;      // of what no peering owns: the firewall, in words
  std::vector<model::Owner> removed;     // owners of objects that nobody wanted and that are gone now
  std::size_t planned = 0;               // actions
  std::size_t failed = 0;
  bool configured_bird = false;
  std::string bird_problem;      // empty when BIRD is as it should be
  std::string firewall_problem;  // why the firewall is not as wanted
  std::string policy_problem;    // why BIRD does not run the policy that is wanted; the old one stays
  std::string bird_version;
  bool policy_in_place = false;             // BIRD answers and runs the policy that is wanted
  std::vector<std::string> shut_protocols;  // that BIRD holds down, sorted
  std::optional<SteadyTime> retry_at;       // the earliest of all
};

struct ReconcilerSettings {
  // Waits of a setup that fails, from its second failure on (the first is often a race that the next step wins), and of
  // a BIRD transaction that fails as a whole, from its first (each try may disturb BIRD). Half to the full ceiling,
  // never near zero.
  Backoff retry{std::chrono::seconds(10), std::chrono::minutes(10)};
  std::chrono::seconds step_timeout{120};
};

class Reconciler {
 public:
  Reconciler(Node& node, ReconcilerSettings settings) : node_(node), settings_(settings) {}

  // REQUIRES: as plan(), but for the claims. `status_of` as in settle_conflicts. Observes, plans, executes, and
  // observes again when anything was changed; a session is InPlace only when the last observation says so. At most one
  // BIRD transaction. What fails concerns its session alone: a session whose tunnel cannot be set up gets no new BIRD
  // file and keeps its old one; one that waits for its next attempt is left untouched and stays Broken; one that BIRD
  // refused is Invalid and absent until its content changes. While BIRD does not answer, sessions are Broken and
  // nothing counts as a failure. A tunnel is not removed before BIRD has dropped its file, unless BIRD does not answer
  // (see plan()). Errors: those of Node::observe; cancelled, after which what was done is reported by the next step.
  Result<StepReport> step(model::DesiredState desired, const std::vector<std::int64_t>& status_of, SteadyTime now,
                          const std::stop_token& stop);

  // What step() would do if every session that waits were due; changes nothing.
  Result<Plan> preview(model::DesiredState desired, const std::vector<std::int64_t>& status_of,
                       const std::stop_token& stop);

 private:
  struct Memory {
    std::size_t content = 0;  // hash of the desired peering that the rest is about; another content forgets it
    unsigned failures = 0;
    SteadyTime not_before{};
    std::string cause;
    bool refused = false;  // by BIRD: Invalid until the content changes
  };
  struct WholeMemory {        // of something that failed as a whole: a BIRD transaction, the policy, the firewall
    std::size_t content = 0;  // hash of what was tried; another one is tried at once
    unsigned failures = 0;
    SteadyTime not_before{};
    std::string cause;  // empty: the last one went well
  };
  struct Round;  // what one step knows

  void forget_changed(const model::DesiredState& desired);
  std::set<model::Owner> prepare(model::DesiredState& desired, const std::vector<std::int64_t>& status_of,
                                 const NodeState& observed, SteadyTime now) const;
  void prepare_policy(model::DesiredState& desired, SteadyTime now) const;
  void execute(Round& round);
  void execute_bird(Round& round);
  void note_policy(const Round& round);
  void execute_firewall(Round& round);
  void remember_failure(const model::DesiredPeering& peering, const std::string& cause, SteadyTime now);
  PeeringOutcome outcome_of(const model::DesiredPeering& peering, const Round& round);
  StepReport report_of(const Round& round);

  Node& node_;
  ReconcilerSettings settings_;
  std::map<model::Owner, Memory> memory_;
  WholeMemory bird_memory_;
  WholeMemory policy_memory_;
  WholeMemory firewall_memory_;
};

}  // namespace moenet::reconcile
