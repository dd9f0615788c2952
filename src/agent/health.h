// Health: does a session that is in place work, and if not, why, in an operator's words. Damped: what lasts shorter
// than it takes to report is no news. Pure; time is an argument.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/config.h"
#include "agent/measurement.h"
#include "agent/reconcile_task.h"
#include "base/clock.h"

namespace moenet::agent {

struct Health {
  model::Owner owner;
  bool works = true;
  SharedText cause;  // "no handshake for over 10 min: endpoint 192.0.2.7:31080 does not answer"; empty while it works
  WallTime since{};  // of `works`
  // Seen to be so for as long as it takes, or set up under this agent's eyes and given that time. False of a session
  // that an agent just started found in place: `works` is then no more than assumed.
  bool is_certain = false;

  friend bool operator==(const Health&, const Health&) = default;
};
using HealthTable = std::vector<Health>;  // sorted by owner

const Health* find_health(const HealthTable& table, const model::Owner& owner);

// What of a session is to be told: one that is in place and does not work is broken. Of one whose row says PROBLEM
// nothing is told until it is certain whether it works, so that an agent which just started does not call a problem
// over that it has not looked at.
model::Condition told_condition(const SessionView& session, const HealthTable& health);

// What one measurement shows of a session, undamped. `cause` is empty when it works; absent when nothing can be said,
// as of BGP while BIRD does not answer: that is the node's problem, and not each session's.
// `limit_try`: of an import limit that was hit.
std::optional<std::string> cause_of_failure(const LinkMeasurement& link, bool is_bird_known,
                                            const std::optional<LimitTry>& limit_try = std::nullopt);

class HealthJudge {
 public:
  explicit HealthJudge(HealthSettings settings) : settings_(settings) {}

  // Of all sessions that are in place by `sessions` (sorted by uuid). One that is not keeps what was judged of it; one
  // that is queued for setup begins anew. Those whose protocol is in `shut` (sorted) are down by maintenance, and that
  // is no problem.
  HealthTable judge(const Measurement& measurement, const SessionViews& sessions, std::span<const std::string> shut);

 private:
  struct Memory {
    Health shown;
    std::optional<SteadyTime> otherwise_since;  // `works` has been the other way
    SharedText next_cause;                      // of a failure, as measured last
    SteadyTime next_cause_since{};
  };

  static Memory begun(const model::Owner& owner, bool is_certain, const Measurement& at);
  static void pause(const Measurement& at, Memory& memory);
  // `link`: null while it is not measured.
  Memory judge_one(const SessionView& session, const model::Owner& owner, const Memory* before, bool is_shut,
                   const LinkMeasurement* link, const Measurement& at) const;
  void take(const std::string& cause, const Measurement& at, Memory& memory) const;

  HealthSettings settings_;
  std::vector<Memory> memory_;  // sorted by shown.owner
};

}  // namespace moenet::agent
