// Lockout: who failed too often has to wait, longer each time. For what costs us work or is guessed slowly; tokens,
// which nobody guesses, have http::FailureLimit.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/clock.h"

namespace moenet::controlplane {

struct LockoutRule {
  unsigned free_failures;        // that cost nothing
  std::chrono::seconds first;    // the wait after the next one; it doubles with each
  std::chrono::seconds longest;  // up to this
};

// Thread-safe.
class Lockout {
 public:
  explicit Lockout(LockoutRule rule) : rule_(rule) {}

  // Until when this key has to wait, if it has.
  std::optional<WallTime> locked_until(const std::string& key, WallTime now);
  void failed(const std::string& key, WallTime now);
  void succeeded(const std::string& key);

 private:
  struct Record {
    unsigned failures = 0;
    WallTime until;      // of the wait
    WallTime forgotten;  // when the failures count no more
  };
  const LockoutRule rule_;
  std::mutex mutex_;  // guards records_: every worker counts
  std::unordered_map<std::string, Record> records_;
};

}  // namespace moenet::controlplane
