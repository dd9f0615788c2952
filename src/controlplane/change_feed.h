// ChangeFeed: who waits for a change of what a node reads (waiting reads, wire contract B2). A waiter is a job that
// looks again. No change is lost: who waits says which `changes` it saw, and if the node is past that already, it looks
// again at once.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "controlplane/store.h"
#include "http/server.h"

namespace moenet::controlplane {

class ChangeFeed {
 public:
  using Job = std::function<void()>;

  // `run` gets the jobs whose time has come; it must not block and may drop them, for every read also has a timeout.
  explicit ChangeFeed(std::function<void(Job)> run) : run_(std::move(run)) {}

  // Who waits for it waits for a change of whatever node; its counter is happened().
  static constexpr NodeId kAnyNode = 0;

  // Thread-safe. The store's change listener.
  void changed(NodeId node, std::int64_t changes);
  // Thread-safe. How often anything has changed.
  std::int64_t happened() const;
  // Thread-safe. Runs `look_again` once, as soon as the node's counter is above `seen`; forgets it when `pending` was
  // answered. `give_up` runs instead when the feed stops, on the thread that stops it or at once.
  void wait(NodeId node, std::int64_t seen, std::shared_ptr<http::Pending> pending, Job look_again, Job give_up);
  // Thread-safe. Nobody waits any more.
  void stop();

  std::size_t waiting() const;

 private:
  struct Waiter {
    std::int64_t seen = 0;
    std::shared_ptr<http::Pending> pending;
    Job look_again;
    Job give_up;
  };
  struct Node {
    std::int64_t changes = 0;
    std::vector<Waiter> waiters;
  };

  // The mutex must be held. Raises the counter, and takes out who waited for that.
  void raise(NodeId node, std::int64_t changes, std::vector<Job>& due);

  const std::function<void(Job)> run_;
  mutable std::mutex mutex_;  // guards all below: workers wait, committers tell
  bool is_stopped_ = false;
  std::map<NodeId, Node> nodes_;
};

}  // namespace moenet::controlplane
