#include "agent/ledger.h"

#include <exception>

#include "base/backoff.h"
#include "base/latest.h"
#include "base/log.h"

namespace moenet::agent {

void Durations::add(SteadyTime::duration took) {
  const double seconds = std::chrono::duration<double>(took).count();
  sum_seconds += seconds;
  for (std::size_t i = 0; i < kBounds.size(); ++i) {
    if (seconds <= kBounds[i]) ++at_most[i];
  }
  ++at_most.back();
}

void TaskLedger::record(std::string_view task, const Result<void>& outcome, std::optional<SteadyTime::duration> took) {
  const std::lock_guard lock(mutex_);
  TaskRecord& record = records_[std::string(task)];
  ++record.runs;
  if (took) record.durations.add(*took);
  if (outcome) {
    record.last_success = wall_now();
    return;
  }
  ++record.failures;
  record.last_failure = wall_now();
  record.last_error = outcome.error().what;
}

void TaskLedger::record_rejected(std::string_view task, const Error& error) {
  const std::lock_guard lock(mutex_);
  TaskRecord& record = records_[std::string(task)];
  ++record.runs;
  ++record.failures;
  ++record.rejected;
  record.last_failure = wall_now();
  record.last_error = error.what;
}

std::map<std::string, TaskRecord, std::less<>> TaskLedger::records() const {
  const std::lock_guard lock(mutex_);
  return records_;
}

void run_task(std::string_view name, TaskLedger& ledger, const std::stop_token& stop,
              const std::function<void(const std::stop_token&)>& loop) {
  const Backoff pause{std::chrono::seconds(1), std::chrono::seconds(60)};
  Wakeup never;
  for (unsigned crashes = 0; !stop.stop_requested(); ++crashes) {
    try {
      loop(stop);
      return;
    } catch (const std::exception& bug) {
      log::error("task failed by a bug in this program; it starts again", {{"task", name}, {"error", bug.what()}});
      ledger.record(name, fail(Errc::internal, bug.what()));
    }
    never.wait(Deadline::after(pause.ceiling(crashes)), stop);
  }
}

}  // namespace moenet::agent
