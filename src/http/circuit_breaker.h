// CircuitBreaker: after 5 failures in a row nothing is sent for 30 s; then trial requests; 3 successes close it, a
// failure opens it again. Pure: time comes in. (Nygard, Release It!, chapter "Circuit Breaker"; the numbers are the
// mission's.)
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "base/clock.h"

namespace moenet::http {

struct BreakerSettings {
  unsigned failures_to_open = 5;
  std::chrono::milliseconds open_for{30'000};
  unsigned successes_to_close = 3;
  // A trial that takes longer lets the next one out beside it: a read that the server holds for 55 s must not hold up
  // every other request for as long. Chosen: far above a normal answer, far below the shortest task interval.
  std::chrono::milliseconds trial_patience{2'000};
};

// Not thread-safe: its owner locks.
class CircuitBreaker {
 public:
  enum class State { closed, open, half_open };

  explicit CircuitBreaker(BreakerSettings settings = {}) : settings_(settings) {}

  // May a request go out now? Half-open lets one at a time through: every permitted request must end in succeeded(),
  // failed() or abandoned() (it was cancelled and says nothing of the server). An outcome that comes while the breaker
  // is open belongs to a request from before and changes nothing.
  bool permits(SteadyTime now);
  void succeeded();
  void failed(SteadyTime now);
  void abandoned();

  State state(SteadyTime now) const;  // open turns half_open when its time has passed
  unsigned failures_in_a_row() const { return failures_; }
  // When an open breaker lets the next request through.
  std::optional<SteadyTime> opens_at() const;

 private:
  void open(SteadyTime now);

  BreakerSettings settings_;
  State state_ = State::closed;
  unsigned failures_ = 0;
  unsigned successes_ = 0;
  SteadyTime opened_at_{};
  std::optional<SteadyTime> trial_since_;
};

std::string_view name_of(CircuitBreaker::State state);  // "closed", "open", "half-open"

}  // namespace moenet::http
