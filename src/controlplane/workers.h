// Workers: a few threads that run what may block, which is all that touches the database, so that the HTTP server's one
// thread never waits. The queue is bounded, in jobs and in bytes: when it is full the caller is told at once.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "http/message.h"

namespace moenet::controlplane {

// What a job keeps of a request: all of it, the body moved, for the server keeps the rest.
http::Request taken(http::Request& request);

class Workers {
 public:
  using Job = std::function<void()>;

  Workers(std::size_t threads, std::size_t most_waiting, std::size_t most_waiting_bytes);
  ~Workers() { stop(); }

  // Jobs under way end, and may still submit, in vain; jobs that wait are never run. Not from inside a job.
  void stop();

  // Thread-safe; also from inside a job. `bytes` is what the job holds while it waits. False when the queue is full or
  // the workers are stopping.
  bool submit(Job job, std::size_t bytes = 0);

  // Jobs that have ended.
  std::uint64_t finished() const { return finished_; }
  struct Queue {
    std::size_t jobs = 0;
    std::size_t bytes = 0;
  };
  Queue queue() const;

 private:
  struct Waiting {
    Job job;
    std::size_t bytes = 0;
  };
  void run(const std::stop_token& stop);

  const std::size_t most_waiting_;
  const std::size_t most_waiting_bytes_;
  mutable std::mutex mutex_;  // guards jobs_ and waiting_bytes_: many give, many take
  std::condition_variable_any wake_;
  std::deque<Waiting> jobs_;
  std::size_t waiting_bytes_ = 0;  // of jobs_
  std::atomic<std::uint64_t> finished_{0};
  std::vector<std::jthread> threads_;  // last: they use all of the above
};

}  // namespace moenet::controlplane
