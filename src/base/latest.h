// Latest<T> and Wakeup: the only ways in which tasks talk to each other.
// Latest holds an immutable snapshot; readers keep what they took for as long as they like. Wakeup makes a sleeper look
// again.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stop_token>
#include <utility>

#include "base/clock.h"

namespace moenet {

template <class T>
class Latest {
 public:
  // Null until the first put.
  std::shared_ptr<const T> read() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }
  void put(std::shared_ptr<const T> value) {
    const std::lock_guard lock(mutex_);
    value_ = std::move(value);
  }
  void put(T value) { put(std::make_shared<const T>(std::move(value))); }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;
};

class Wakeup {
 public:
  // Callable from any thread; several calls before the sleeper looks are one.
  void notify() {
    {
      const std::lock_guard lock(mutex_);
      ++count_;
    }
    condition_.notify_all();
  }

  // Sleeps until notify() was called since the last wait, the deadline passed, or a stop was requested. True when
  // notified.
  bool wait(Deadline deadline, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    condition_.wait_until(lock, stop, deadline.at(), [&] { return count_ != seen_; });
    return std::exchange(seen_, count_) != count_;
  }

  // The same without sleeping.
  bool was_notified() {
    const std::lock_guard lock(mutex_);
    return std::exchange(seen_, count_) != count_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any condition_;
  std::uint64_t count_ = 0;
  std::uint64_t seen_ = 0;
};

}  // namespace moenet
