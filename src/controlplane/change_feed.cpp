#include "controlplane/change_feed.h"

#include <algorithm>
#include <utility>

namespace moenet::controlplane {

void ChangeFeed::changed(NodeId id, std::int64_t changes) {
  std::vector<Job> due;
  {
    const std::lock_guard lock(mutex_);
    Node& node = nodes_[id];
    node.changes = std::max(node.changes, changes);  // two commits may tell in the other order
    for (Waiter& waiter : node.waiters) {
      if (!waiter.pending->is_answered()) due.push_back(std::move(waiter.look_again));
    }
    node.waiters.clear();
  }
  for (Job& job : due) run_(std::move(job));
}

void ChangeFeed::wait(NodeId id, std::int64_t seen, std::shared_ptr<http::Pending> pending, Job look_again) {
  {
    const std::lock_guard lock(mutex_);
    Node& node = nodes_[id];
    std::erase_if(node.waiters, [](const Waiter& waiter) { return waiter.pending->is_answered(); });
    if (node.changes <= seen) {
      node.waiters.push_back({seen, std::move(pending), std::move(look_again)});
      return;
    }
  }
  run_(std::move(look_again));
}

std::size_t ChangeFeed::waiting() const {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const auto& [id, node] : nodes_) count += node.waiters.size();
  return count;
}

}  // namespace moenet::controlplane
