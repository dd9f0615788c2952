// TaskLedger: what each task last did and how it went, for /status, doctor and the logs. Thread-safe.
#pragma once

#include <array>
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

// How long runs took: cumulative buckets as Prometheus has them, of which the last is all.
struct Durations {
  // Seconds; from a look at a small node to a request that is repeated until the control plane is given up (chosen).
  static constexpr std::array<double, 11> kBounds{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 120};

  std::array<std::uint64_t, kBounds.size() + 1> at_most{};  // [i]: runs that took kBounds[i] or less; the last: all
  double sum_seconds = 0;

  void add(SteadyTime::duration took);
  std::uint64_t count() const { return at_most.back(); }
};

struct TaskRecord {
  std::uint64_t runs = 0;
  std::uint64_t failures = 0;
  std::uint64_t rejected = 0;  // answers that could not be right
  std::optional<WallTime> last_success;
  std::optional<WallTime> last_failure;
  std::string last_error;  // of the last failure; stays after a success, with its time
  Durations durations;     // of the runs whose duration says something: not of a read that the server holds
};

class TaskLedger {
 public:
  void record(std::string_view task, const Result<void>& outcome, std::optional<SteadyTime::duration> took = {});
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
