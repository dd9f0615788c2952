// RequestCounts: what the server answered, by kind of path and status, and how long it took. Paths become a few kinds,
// because nobody who asks may make series.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"

namespace moenet::controlplane {

// "agent_report", "admin_sessions", "other": of a raw path.
std::string_view route_class(std::string_view path);

class RequestCounts {
 public:
  // Chosen: a read of one row takes 1 ms, and after 30 s the caller got its 503.
  static constexpr std::array kBounds = {0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0, 30.0};

  struct Durations {
    std::array<std::uint64_t, kBounds.size()> buckets{};  // each counts its own only
    std::uint64_t count = 0;
    double sum_seconds = 0;
  };
  struct Snapshot {
    std::map<std::pair<std::string_view, int>, std::uint64_t> answers;  // by class and status
    std::map<std::string_view, Durations> durations;                    // by class
  };

  // Thread-safe.
  void answered(std::string_view path, int status);
  // Until there was an answer, or a read began to wait.
  void took(std::string_view path, std::chrono::nanoseconds duration);
  Snapshot snapshot() const;

 private:
  mutable std::mutex mutex_;  // guards counts_: the server's thread and the workers count
  Snapshot counts_;
};

}  // namespace moenet::controlplane
