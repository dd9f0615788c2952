#include "controlplane/workers.h"

#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include "base/log.h"

namespace moenet::controlplane {

http::Request taken(http::Request& request) {
  std::string body = std::exchange(request.body, {});
  http::Request result = request;
  result.body = std::move(body);
  return result;
}

Workers::Workers(std::size_t threads, std::size_t most_waiting, std::size_t most_waiting_bytes)
    : most_waiting_(most_waiting), most_waiting_bytes_(most_waiting_bytes) {
  for (std::size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { run(stop); });
  }
}

void Workers::stop() {
  for (auto& thread : threads_) thread.request_stop();
  threads_.clear();
}

bool Workers::submit(Job job, std::size_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    if (jobs_.size() >= most_waiting_ || waiting_bytes_ + bytes > most_waiting_bytes_) return false;
    waiting_bytes_ += bytes;
    jobs_.push_back({std::move(job), bytes});
  }
  wake_.notify_one();
  return true;
}

void Workers::run(const std::stop_token& stop) {
  while (true) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      if (!wake_.wait(lock, stop, [this] { return !jobs_.empty(); }) || stop.stop_requested()) return;
      job = std::move(jobs_.front().job);
      waiting_bytes_ -= jobs_.front().bytes;
      jobs_.pop_front();
    }
    try {
      job();
    } catch (const std::exception& bug) {
      log::error("a job ended in an exception", {{"error", std::string_view(bug.what())}});
    }
    ++finished_;
  }
}

Workers::Queue Workers::queue() const {
  const std::lock_guard lock(mutex_);
  return {jobs_.size(), waiting_bytes_};
}

}  // namespace moenet::controlplane
