// Execution: carries a plan out on a node in its order, and keeps what came of it per owner. It decides only what a
// failure holds back; when to try again is the reconciler's business.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "reconcile/node.h"
#include "reconcile/plan.h"

namespace moenet::reconcile {

class Execution {
 public:
  // All that is given must outlive the execution. `before` is the state that the plan was made for.
  Execution(Node& node, const Plan& plan, const NodeState& before, Deadline deadline, const std::stop_token& stop)
      : node_(node), plan_(plan), before_(before), deadline_(deadline), stop_(stop) {}

  // Before all: what tunnels need is let in. When that fails the rest goes on.
  void apply_firewall();
  // First: links are removed that are in the way, then the others made and changed.
  void prepare_tunnels();
  // Second: what is left for BIRD. The changes of an owner whose tunnel failed are held back.
  BirdAction bird_action() const;
  // Either apply_bird, once, or withhold_bird. REQUIRES: a non-empty action.
  void apply_bird(const BirdAction& action);
  void withhold_bird(const BirdAction& action);
  // Third: links whose sessions BIRD has dropped, and those of sessions that it refused.
  void remove_tunnels();

  bool is_changed() const { return changed_; }  // the node was asked to change something
  bool configured_bird() const { return configured_bird_; }
  std::size_t failed() const { return failed_; }
  const std::optional<Error>& firewall_error() const { return firewall_error_; }
  const std::optional<Error>& bird_error() const { return bird_error_; }
  const std::map<model::Owner, std::string>& failures() const { return failures_; }  // the first cause of each
  const std::map<model::Owner, std::string>& refusals() const { return refusals_; }  // BIRD's words
  const std::string& policy_refusal() const { return policy_refusal_; }              // BIRD's words, else empty
  const std::map<model::Owner, std::vector<std::string>>& changes() const { return changes_; }

 private:
  void apply(const std::vector<TunnelAction>& actions);
  void hold_back(const BirdAction& action);
  void note_refusals(const BirdAction& action, const BirdResult& result);
  void note_failure(const model::Owner& owner, const std::string& cause);
  std::vector<TunnelAction> removals_of_refused() const;
  const model::Owner* owner_of_file(const std::string& name) const;

  Node& node_;
  const Plan& plan_;
  const NodeState& before_;
  Deadline deadline_;
  const std::stop_token& stop_;
  bool changed_ = false;
  bool configured_bird_ = false;
  std::size_t failed_ = 0;
  std::optional<Error> firewall_error_;
  std::optional<Error> bird_error_;
  std::set<std::string> stuck_links_;    // could not be removed
  std::set<model::Owner> held_in_bird_;  // BIRD still has their files
  std::map<model::Owner, std::string> failures_;
  std::map<model::Owner, std::string> refusals_;
  std::string policy_refusal_;
  std::map<model::Owner, std::vector<std::string>> changes_;
};

}  // namespace moenet::reconcile
