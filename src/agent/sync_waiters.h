// SyncWaiters: callers of `/sync?wait=1` and the step that answers them. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "agent/reconcile_task.h"
#include "http/server.h"

namespace moenet::agent {

class SyncWaiters {
 public:
  using Render = std::function<http::Response(const NodeReport&)>;

  // Makes the request and registers its caller in one step, so that no answer slips between the two. `request` returns
  // the sync's number (SessionSync::request).
  void add(const std::function<std::uint64_t()>& request, std::shared_ptr<http::Pending> caller);
  // Answers all callers whose sync this report covers.
  void answer(const NodeReport& report, const Render& render);

 private:
  struct Waiter {
    std::uint64_t number;
    std::shared_ptr<http::Pending> caller;
  };
  std::mutex mutex_;
  std::vector<Waiter> waiters_;
};

}  // namespace moenet::agent
