// Workers: a few threads that run what may block, which is all that touches the database, so that the HTTP server's one
// thread never waits. The queue is bounded: when it is full the caller is told at once.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace moenet::controlplane {

class Workers {
 public:
  using Job = std::function<void()>;

  explicit Workers(std::size_t threads, std::size_t most_waiting);
  ~Workers() { stop(); }

  // Jobs under way end, and may still submit, in vain; jobs that wait are never run. Not from inside a job.
  void stop();

  // Thread-safe; also from inside a job. False when the queue is full or the workers are stopping.
  bool submit(Job job);

 private:
  void run(const std::stop_token& stop);

  const std::size_t most_waiting_;
  std::mutex mutex_;  // guards jobs_: many give, many take
  std::condition_variable_any wake_;
  std::deque<Job> jobs_;
  std::vector<std::jthread> threads_;  // last: they use all of the above
};

}  // namespace moenet::controlplane
