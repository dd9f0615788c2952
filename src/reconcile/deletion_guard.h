// DeletionGuard: an answer from which more than half of the configured sessions, and at least 5, have vanished is not
// believed until it came 3 times in a row or an operator confirmed it. Rows that say "delete" or "disable" are no
// vanishing. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model/session.h"
#include "reconcile/plan.h"

namespace moenet::reconcile {

// Sorted, each once.
std::vector<model::SessionId> distinct(std::vector<model::SessionId> sessions);

// Those that the node carries anything of, distinct().
std::vector<model::SessionId> sessions_in(const NodeState& node);
// Those in the mesh that the node has a tunnel to, sorted, each once.
std::vector<model::NodeId> neighbors_in(const NodeState& node);

class DeletionGuard {
 public:
  struct Verdict {
    bool holds = false;                      // the vanished ones stay as they are
    std::vector<model::SessionId> vanished;  // configured here, absent in the answer; sorted
    unsigned seen = 0;  // how many answers in a row lacked exactly these; never below 1 when any vanished
    unsigned needed = 3;
  };

  // For each complete answer, once. `configured`: sessions that this node carries; `listed`: all rows of the answer.
  // REQUIRES: both distinct().
  Verdict judge(std::span<const model::SessionId> configured, std::span<const model::SessionId> listed);
  // The operator's word (`moenet-agent sync --allow-mass-delete`): the next judgement lets go, whatever it is.
  void allow_once() { allowed_ = true; }

 private:
  std::vector<model::SessionId> last_;    // vanished in the last answer
  std::vector<model::SessionId> let_go_;  // believed to be gone: not held again while their removal is under way
  unsigned seen_ = 0;
  bool allowed_ = false;
};

}  // namespace moenet::reconcile
