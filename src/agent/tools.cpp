#include "agent/tools.h"

#include <algorithm>
#include <exception>

#include "base/log.h"

namespace moenet::agent {
namespace {

Result<std::string> document_of(const Result<ToolAnswer>& answer) {
  if (!answer) return std::unexpected(answer.error());
  return tool_document(*answer);
}

}  // namespace

Tools::Tools(Answer answer, ToolLimits limits)
    : answer_(std::move(answer)), limits_(limits), bucket_(limits.burst, limits.per_second) {}

Tools::~Tools() {
  for (auto& thread : threads_) thread.request_stop();
  threads_.clear();
  for (const Job& job : waiting_) job.done(fail(Errc::cancelled, "the agent stops"));
}

std::optional<std::chrono::seconds> Tools::ask(ToolQuestion question, SteadyTime now, Done done, SteadyTime until) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= limits_.most_waiting) return std::chrono::ceil<std::chrono::seconds>(limits_.patience);
    if (const auto wait = bucket_.take(now); wait > std::chrono::seconds(0)) return wait;
    waiting_.push_back({std::move(question), Deadline(std::min(until, now + limits_.patience)), std::move(done)});
    while (threads_.size() < limits_.at_once) threads_.emplace_back([this](const std::stop_token& stop) { run(stop); });
  }
  changed_.notify_one();
  return std::nullopt;
}

void Tools::run(const std::stop_token& stop) {
  for (;;) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait(lock, stop, [this] { return !waiting_.empty(); }) || stop.stop_requested()) return;
    const Job job = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    if (job.deadline.passed()) {
      job.done(fail(Errc::timeout, "others asked too much: try again"));
      continue;
    }
    try {
      job.done(document_of(answer_(job.question, job.deadline, stop)));
    } catch (const std::exception& bug) {  // costs this answer, not the thread
      log::error("a tool failed", {{"error", bug.what()}});
      job.done(fail(Errc::internal, "the tool failed; see the agent's log"));
    }
  }
}

}  // namespace moenet::agent
