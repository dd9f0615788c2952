#include "controlplane/change_feed.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace moenet::controlplane {

void ChangeFeed::raise(NodeId id, std::int64_t changes, std::vector<Job>& due) {
  Node& node = nodes_[id];
  node.changes = std::max(node.changes, changes);  // two commits may tell in the other order
  for (Waiter& waiter : node.waiters) {
    if (!waiter.pending->is_answered()) due.push_back(std::move(waiter.look_again));
  }
  node.waiters.clear();
}

void ChangeFeed::changed(NodeId id, std::int64_t changes) {
  std::vector<Job> due;
  {
    const std::lock_guard lock(mutex_);
    raise(id, changes, due);
    raise(kAnyNode, nodes_[kAnyNode].changes + 1, due);
  }
  for (Job& job : due) run_(std::move(job));
}

std::int64_t ChangeFeed::happened() const {
  const std::lock_guard lock(mutex_);
  const auto any = nodes_.find(kAnyNode);
  return any == nodes_.end() ? 0 : any->second.changes;
}

void ChangeFeed::wait(NodeId id, std::int64_t seen, std::shared_ptr<http::Pending> pending, Job look_again,
                      Job give_up) {
  bool is_over = false;
  {
    const std::lock_guard lock(mutex_);
    Node& node = nodes_[id];
    std::erase_if(node.waiters, [](const Waiter& waiter) { return waiter.pending->is_answered(); });
    if (node.changes <= seen && !is_stopped_) {
      node.waiters.push_back({seen, std::move(pending), std::move(look_again), std::move(give_up)});
      return;
    }
    is_over = is_stopped_;
  }
  if (is_over) return give_up();
  run_(std::move(look_again));
}

void ChangeFeed::stop() {
  std::vector<Waiter> left;
  {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
    for (auto& [id, node] : nodes_) std::ranges::move(std::exchange(node.waiters, {}), std::back_inserter(left));
  }
  for (const Waiter& waiter : left) waiter.give_up();
}

std::size_t ChangeFeed::waiting() const {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const auto& [id, node] : nodes_) count += node.waiters.size();
  return count;
}

}  // namespace moenet::controlplane
