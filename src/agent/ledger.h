// TaskLedger: what each task last did and how it went, for /status, doctor and the logs. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace moenet::agent {

struct TaskRecord {
  std::uint64_t runs = 0;
  std::uint64_t failures = 0;
  std::uint64_t rejected = 0;  // answers that could not be right
  std::optional<WallTime> last_success;
  std::optional<WallTime> last_failure;
  std::string last_error;  // of the last failure; stays after a success, with its time
};

class TaskLedger {
 public:
  void record(std::string_view task, const Result<void>& outcome);
  void record_rejected(std::string_view task, const Error& error);
  std::map<std::string, TaskRecord, std::less<>> records() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, TaskRecord, std::less<>> records_;
};

// Runs a task's loop until the stop. An exception is a bug: it is caught here, logged and counted, and the loop starts
// again after a growing pause.
void run_task(std::string_view name, TaskLedger& ledger, const std::stop_token& stop,
              const std::function<void(const std::stop_token&)>& loop);

}  // namespace moenet::agent
