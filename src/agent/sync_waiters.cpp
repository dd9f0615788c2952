#include "agent/sync_waiters.h"

#include <algorithm>

namespace moenet::agent {

void SyncWaiters::add(const std::function<std::uint64_t()>& request, std::shared_ptr<http::Pending> caller) {
  const std::lock_guard lock(mutex_);
  std::erase_if(waiters_, [](const Waiter& waiter) { return waiter.caller->is_answered(); });
  waiters_.push_back({request(), std::move(caller)});
}

void SyncWaiters::answer(const NodeReport& report, const Render& render) {
  std::vector<Waiter> due;
  {
    const std::lock_guard lock(mutex_);
    const auto rest =
        std::ranges::partition(waiters_, [&](const Waiter& waiter) { return waiter.number > report.sync; });
    due.assign(std::make_move_iterator(rest.begin()), std::make_move_iterator(rest.end()));
    waiters_.erase(rest.begin(), rest.end());
  }
  for (const Waiter& waiter : due) waiter.caller->answer(render(report));
}

}  // namespace moenet::agent
