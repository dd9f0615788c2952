#include "http/client.h"

#include <mutex>
#include <utility>
#include <vector>

#include "base/backoff.h"
#include "base/latest.h"
#include "http/transfer.h"

namespace moenet::http {

using std::chrono::milliseconds;

struct HttpClient::State {
  explicit State(ClientSettings given) : settings(std::move(given)), attempts(settings.retry, settings.breaker) {}

  std::unique_ptr<Transfer> take();
  void put_back(std::unique_ptr<Transfer> transfer);

  const ClientSettings settings;
  mutable std::mutex mutex;  // for all below; never held while a request is under way
  Attempts attempts;
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

HttpClient::HttpClient(ClientSettings settings) : state_(std::make_unique<State>(std::move(settings))) {}
HttpClient::~HttpClient() = default;

Result<Response> HttpClient::send(const Request& request, const Secret& token, milliseconds attempt_timeout,
                                  Deadline deadline, const std::stop_token& stop) {
  const ClientSettings& settings = state_->settings;
  const TransferLimits limits{settings.body_limit_bytes, settings.connect_timeout, settings.most_redirects,
                              settings.user_agent, settings.may_connect};
  Wakeup never;
  const auto locked = [this](const auto& call) {
    const std::lock_guard lock(state_->mutex);
    return call(state_->attempts);
  };
  TRY_VOID(locked([](Attempts& attempts) { return attempts.admit(steady_now()); }));
  for (unsigned attempt = 0;; ++attempt) {
    std::unique_ptr<Transfer> transfer = state_->take();
    Result<Response> outcome = transfer->run(request, token, limits, deadline.or_sooner(attempt_timeout), stop);
    state_->put_back(std::move(transfer));
    const auto wait = locked([&](Attempts& attempts) {
      return attempts.wait_after(outcome, attempt, deadline.left(), random_fraction(), moment_now());
    });
    if (!wait) return outcome;
    never.wait(Deadline::after(*wait), stop);
    if (stop.stop_requested()) return fail(Errc::cancelled, request.method + ": stopped between two attempts");
    if (!locked([](Attempts& attempts) { return attempts.admit_again(steady_now()); })) return outcome;
  }
}

ClientCounters HttpClient::counters() const {
  const std::lock_guard lock(state_->mutex);
  return state_->attempts.counters();
}

BreakerView HttpClient::breaker() const {
  const std::lock_guard lock(state_->mutex);
  return state_->attempts.breaker(steady_now());
}

}  // namespace moenet::http
