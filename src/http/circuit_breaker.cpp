#include "http/circuit_breaker.h"

namespace moenet::http {

bool CircuitBreaker::permits(SteadyTime now) {
  if (state_ == State::open && state(now) == State::half_open) {
    state_ = State::half_open;
    successes_ = 0;
    trial_since_.reset();
  }
  switch (state_) {
    case State::closed: return true;
    case State::open: return false;
    case State::half_open: break;
  }
  if (trial_since_ && now - *trial_since_ < settings_.trial_patience) return false;
  trial_since_ = now;
  return true;
}

void CircuitBreaker::succeeded() {
  switch (state_) {
    case State::open: return;
    case State::closed: failures_ = 0; return;
    case State::half_open: break;
  }
  trial_since_.reset();
  if (++successes_ < settings_.successes_to_close) return;
  state_ = State::closed;
  failures_ = 0;
}

void CircuitBreaker::failed(SteadyTime now) {
  switch (state_) {
    case State::open: return;
    case State::closed:
      if (++failures_ >= settings_.failures_to_open) open(now);
      return;
    case State::half_open:
      ++failures_;
      open(now);
      return;
  }
}

void CircuitBreaker::abandoned() { trial_since_.reset(); }

void CircuitBreaker::open(SteadyTime now) {
  state_ = State::open;
  opened_at_ = now;
  trial_since_.reset();
}

CircuitBreaker::State CircuitBreaker::state(SteadyTime now) const {
  return state_ == State::open && now >= opened_at_ + settings_.open_for ? State::half_open : state_;
}

std::optional<SteadyTime> CircuitBreaker::opens_at() const {
  if (state_ != State::open) return std::nullopt;
  return opened_at_ + settings_.open_for;
}

std::string_view name_of(CircuitBreaker::State state) {
  switch (state) {
    case CircuitBreaker::State::closed: return "closed";
    case CircuitBreaker::State::open: return "open";
    case CircuitBreaker::State::half_open: return "half-open";
  }
  return "closed";
}

}  // namespace moenet::http
