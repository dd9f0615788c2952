#include "http/attempts.h"

#include <fmt/format.h>

namespace moenet::http {

using std::chrono::milliseconds;

Result<void> Attempts::admit(SteadyTime now) {
  if (breaker_.permits(now)) {
    ++counters_.requests;
    return {};
  }
  ++counters_.refused_by_breaker;
  if (!breaker_.opens_at()) return fail(Errc::unavailable, "circuit breaker half-open: a trial request is under way");
  return fail(Errc::unavailable, "circuit breaker open, the last failure: " + last_failure_);
}

std::optional<milliseconds> Attempts::wait_after(const Result<Response>& outcome, unsigned attempt, milliseconds left,
                                                 double fraction, Moment now) {
  if (is_failure(outcome)) {
    ++counters_.failures;
    breaker_.failed(now.steady);
    last_failure_ = outcome ? fmt::format("HTTP {}", outcome->status) : outcome.error().what;
  } else if (outcome) {
    breaker_.succeeded();
  } else {
    breaker_.abandoned();
  }
  const auto wait = retry_.wait_after(outcome, attempt, fraction, now.wall);
  if (!wait || breaker_.state(now.steady) == CircuitBreaker::State::open || *wait >= left) return std::nullopt;
  return wait;
}

bool Attempts::admit_again(SteadyTime now) {
  if (!admit(now)) return false;
  ++counters_.retries;
  return true;
}

BreakerView Attempts::breaker(SteadyTime now) const {
  BreakerView view{breaker_.state(now), breaker_.failures_in_a_row(), milliseconds(0)};
  const auto opens_at = breaker_.opens_at();
  if (opens_at && *opens_at > now) view.opens_in = std::chrono::ceil<milliseconds>(*opens_at - now);
  return view;
}

}  // namespace moenet::http
