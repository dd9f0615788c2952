#include "http/pending.h"

#include <utility>

namespace moenet::http {

Pending::Pending(std::chrono::milliseconds span, std::function<Response()> on_timeout)
    : state_(std::make_shared<State>(span, std::move(on_timeout))) {}

void Pending::answer(Response response) {
  std::function<void()> wake;
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->is_answered) return;
    state_->is_answered = true;
    state_->response = std::move(response);
    wake = std::exchange(state_->wake, nullptr);
  }
  if (wake) wake();
}

bool Pending::is_answered() const {
  const std::lock_guard lock(state_->mutex);
  return state_->is_answered;
}

void Pending::State::attach(std::function<void()> given_wake) {
  {
    const std::lock_guard lock(mutex);
    if (!is_answered) {
      wake = std::move(given_wake);
      return;
    }
  }
  given_wake();
}

std::optional<Response> Pending::State::finish() {
  const std::lock_guard lock(mutex);
  is_answered = true;
  wake = nullptr;
  return std::exchange(response, std::nullopt);
}

}  // namespace moenet::http
