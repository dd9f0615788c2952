// What is behind a Pending: the answer on its way from whoever makes it to the server's thread.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>

#include "http/server.h"

namespace moenet::http {

struct Pending::State {
  State(std::chrono::milliseconds given_span, std::function<Response()> given_on_timeout)
      : span(given_span), on_timeout(std::move(given_on_timeout)) {}

  // Calls `wake` when the answer comes, or now when it is there already.
  void attach(std::function<void()> wake);
  // The answer, once; nothing when there is none. Whatever comes later is ignored.
  std::optional<Response> finish();

  const std::chrono::milliseconds span;
  const std::function<Response()> on_timeout;
  std::mutex mutex;  // for all below
  bool is_answered = false;
  std::optional<Response> response;
  std::function<void()> wake;
};

}  // namespace moenet::http
