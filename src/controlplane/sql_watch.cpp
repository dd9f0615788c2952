#include "controlplane/sql_watch.h"

#include <algorithm>
#include <sys/socket.h>

#include "base/log.h"

namespace moenet::controlplane {

ConnectionWatch::ConnectionWatch(std::chrono::milliseconds longest_call)
    : longest_call_(longest_call), thread_([this](const std::stop_token& stop) { run(stop); }) {}

void ConnectionWatch::begin(int socket) {
  if (socket < 0) return;
  bool is_first = false;
  {
    const std::lock_guard lock(mutex_);
    is_first = due_.empty();
    due_[socket] = steady_now() + longest_call_;
  }
  if (is_first) changed_.notify_one();  // the others are due later than the first
}

void ConnectionWatch::end(int socket) {
  const std::lock_guard lock(mutex_);
  due_.erase(socket);
}

void ConnectionWatch::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (due_.empty()) {
      changed_.wait(lock, stop, [this] { return !due_.empty(); });
      continue;
    }
    const auto first = std::ranges::min_element(due_, {}, [](const auto& entry) { return entry.second; });
    const auto [socket, at] = *first;
    if (steady_now() < at) {
      changed_.wait_until(lock, stop, at, [] { return false; });
      continue;
    }
    ::shutdown(socket, SHUT_RDWR);  // open still: whoever uses it calls end() before closing it
    due_.erase(first);
    log::error("the database did not answer in time; its connection was cut");
  }
}

}  // namespace moenet::controlplane
