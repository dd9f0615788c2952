#include "http/client.h"

#include <mutex>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/backoff.h"
#include "base/latest.h"
#include "http/transfer.h"

namespace moenet::http {

using std::chrono::milliseconds;

struct HttpClient::State {
  explicit State(ClientSettings given) : settings(std::move(given)), breaker(settings.breaker) {}

  std::unique_ptr<Transfer> take();
  void put_back(std::unique_ptr<Transfer> transfer);
  Result<void> ask_breaker();
  bool record(const Result<Response>& outcome);

  const ClientSettings settings;
  mutable std::mutex mutex;  // for all below; never held while a request is under way
  CircuitBreaker breaker;
  ClientCounters counters;
  std::string last_failure;                     // what a refusal is for: who only hears of the breaker learns nothing
  std::vector<std::unique_ptr<Transfer>> idle;  // the last used is used next, so that its connection is still open
};

std::unique_ptr<Transfer> HttpClient::State::take() {
  const std::lock_guard lock(mutex);
  if (idle.empty()) return std::make_unique<Transfer>();
  std::unique_ptr<Transfer> transfer = std::move(idle.back());
  idle.pop_back();
  return transfer;
}

void HttpClient::State::put_back(std::unique_ptr<Transfer> transfer) {
  const std::lock_guard lock(mutex);
  idle.push_back(std::move(transfer));
}

Result<void> HttpClient::State::ask_breaker() {
  const std::lock_guard lock(mutex);
  const SteadyTime now = steady_now();
  if (breaker.permits(now)) {
    ++counters.requests;
    return {};
  }
  ++counters.refused_by_breaker;
  if (!breaker.opens_at()) return fail(Errc::unavailable, "circuit breaker half-open: a trial request is under way");
  return fail(Errc::unavailable, "circuit breaker open, the last failure: " + last_failure);
}

// True when the breaker still lets requests out.
bool HttpClient::State::record(const Result<Response>& outcome) {
  const std::lock_guard lock(mutex);
  const SteadyTime now = steady_now();
  if (is_failure(outcome)) {
    ++counters.failures;
    breaker.failed(now);
    last_failure = outcome ? fmt::format("HTTP {}", outcome->status) : outcome.error().what;
  } else if (outcome) {
    breaker.succeeded();
  } else {
    breaker.abandoned();
  }
  return breaker.state(now) != CircuitBreaker::State::open;
}

HttpClient::HttpClient(ClientSettings settings) : state_(std::make_unique<State>(std::move(settings))) {}
HttpClient::~HttpClient() = default;

Result<Response> HttpClient::send(const Request& request, const Secret& token, milliseconds attempt_timeout,
                                  Deadline deadline, const std::stop_token& stop) {
  const ClientSettings& settings = state_->settings;
  const TransferLimits limits{settings.body_limit_bytes, settings.connect_timeout, settings.most_redirects,
                              settings.user_agent, settings.may_connect};
  Wakeup never;
  TRY_VOID(state_->ask_breaker());
  for (unsigned attempt = 0;; ++attempt) {
    std::unique_ptr<Transfer> transfer = state_->take();
    Result<Response> outcome = transfer->run(request, token, limits, deadline.or_sooner(attempt_timeout), stop);
    state_->put_back(std::move(transfer));
    const bool is_closed = state_->record(outcome);
    const auto wait = settings.retry.wait_after(outcome, attempt, random_fraction(), wall_now());
    if (!wait || !is_closed || *wait >= deadline.left()) return outcome;
    never.wait(Deadline::after(*wait), stop);
    if (stop.stop_requested()) return fail(Errc::cancelled, request.method + ": stopped between two attempts");
    if (!state_->ask_breaker()) return outcome;
    const std::lock_guard lock(state_->mutex);
    ++state_->counters.retries;
  }
}

ClientCounters HttpClient::counters() const {
  const std::lock_guard lock(state_->mutex);
  return state_->counters;
}

BreakerView HttpClient::breaker() const {
  const std::lock_guard lock(state_->mutex);
  const SteadyTime now = steady_now();
  BreakerView view{state_->breaker.state(now), state_->breaker.failures_in_a_row(), milliseconds(0)};
  const auto opens_at = state_->breaker.opens_at();
  if (opens_at && *opens_at > now) view.opens_in = std::chrono::ceil<milliseconds>(*opens_at - now);
  return view;
}

}  // namespace moenet::http
