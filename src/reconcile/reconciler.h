// Reconciler: one step from desired state to the node and back to an outcome per session. It owns what must be remembered between
// steps: retries with backoff, and sessions that BIRD refused. No thread, no clock: time is an argument.
#pragma once

#include <map>
#include <optional>
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

struct SessionOutcome {
  model::SessionId uuid;
  model::Asn asn = 0;
  model::Condition condition;
  std::optional<SteadyTime> retry_at;  // of a Broken one
  std::vector<std::string> changes;    // what this step did for it, in words
};

struct StepReport {
  std::vector<SessionOutcome> sessions;  // sorted by uuid; one per desired peering
  std::vector<std::string> removed;      // owners of objects that nobody wanted and that are gone now
  std::size_t planned = 0;               // actions
  std::size_t failed = 0;
  bool configured_bird = false;
  std::string bird_problem;              // empty when BIRD is as it should be
  std::string bird_version;
  std::optional<SteadyTime> retry_at;    // the earliest of all
};

struct ReconcilerSettings {
  Backoff retry{std::chrono::seconds(10), std::chrono::minutes(10)};  // waits of a setup that fails (not jittered to zero: half to full)
  std::chrono::seconds step_timeout{120};
};

class Reconciler {
 public:
  Reconciler(Node& node, ReconcilerSettings settings) : node_(node), settings_(settings) {}

  // REQUIRES: desired.peerings sorted by uuid. `status_of` as in settle_conflicts. Observes, plans, executes, and observes again when
  // anything was changed; a session is InPlace only when the last observation says so. Errors: those of Node::observe.
  Result<StepReport> step(model::DesiredState desired, const std::vector<std::int64_t>& status_of, SteadyTime now,
                          const std::stop_token& stop);

  // What step() would do now; changes nothing.
  Result<Plan> preview(model::DesiredState desired, const std::vector<std::int64_t>& status_of, const std::stop_token& stop);

 private:
  struct Memory {
    std::size_t content = 0;     // hash of the desired peering that the rest is about; another content forgets it
    unsigned failures = 0;
    SteadyTime not_before{};
    std::string cause;
    bool refused = false;        // by BIRD: Invalid until the content changes
  };

  Node& node_;
  ReconcilerSettings settings_;
  std::map<model::SessionId, Memory> memory_;
};

}  // namespace moenet::reconcile
