// Attempts: may a request go out now, and is it sent again: a RetryPolicy behind a CircuitBreaker, and what came of all
// of them in numbers. Pure; HttpClient sends and waits.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/moment.h"
#include "base/result.h"
#include "http/circuit_breaker.h"
#include "http/message.h"
#include "http/retry_policy.h"

namespace moenet::http {

struct ClientCounters {
  std::uint64_t requests = 0;  // sent, repetitions included
  std::uint64_t retries = 0;
  std::uint64_t failures = 0;  // network errors, timeouts, 5xx
  std::uint64_t refused_by_breaker = 0;
};

struct BreakerView {
  CircuitBreaker::State state = CircuitBreaker::State::closed;
  unsigned failures_in_a_row = 0;
  std::chrono::milliseconds opens_in{0};  // 0 unless open
};

// Not thread-safe: its owner locks.
class Attempts {
 public:
  Attempts(RetryPolicy retry, BreakerSettings breaker) : retry_(retry), breaker_(breaker) {}

  // Errors: unavailable ("circuit breaker open, the last failure: HTTP 502"): who only hears of the breaker learns
  // nothing, and how long it is open stands in breaker().
  Result<void> admit(SteadyTime now);
  // What came of attempt number `attempt` (0 is the first), which was admitted: how long to wait before the next one,
  // or nothing when that is the request's outcome. `left`: how long all of them together may still take.
  std::optional<std::chrono::milliseconds> wait_after(const Result<Response>& outcome, unsigned attempt,
                                                      std::chrono::milliseconds left, double fraction, Moment now);
  // admit() after such a wait.
  bool admit_again(SteadyTime now);

  const ClientCounters& counters() const { return counters_; }
  BreakerView breaker(SteadyTime now) const;

 private:
  RetryPolicy retry_;
  CircuitBreaker breaker_;
  ClientCounters counters_;
  std::string last_failure_;
};

}  // namespace moenet::http
