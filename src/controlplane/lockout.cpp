#include "controlplane/lockout.h"

#include <algorithm>

namespace moenet::controlplane {

namespace {

// Chosen: an attacker with many keys costs at most about 2 MB; then all begin anew.
constexpr std::size_t kMostRecords = 20'000;

}  // namespace

std::optional<WallTime> Lockout::locked_until(const std::string& key, WallTime now) {
  const std::lock_guard lock(mutex_);
  const auto held = records_.find(key);
  if (held == records_.end() || held->second.until <= now) return std::nullopt;
  return held->second.until;
}

void Lockout::failed(const std::string& key, WallTime now) {
  const std::lock_guard lock(mutex_);
  if (records_.size() >= kMostRecords) {
    std::erase_if(records_, [&](const auto& entry) { return entry.second.forgotten <= now; });
    if (records_.size() >= kMostRecords) records_.clear();
  }
  Record& record = records_[key];
  if (record.forgotten <= now) record = {};
  ++record.failures;
  std::chrono::seconds wait(0);
  if (record.failures > rule_.free_failures) {
    // 2^20 times any first wait is beyond any longest.
    const unsigned doublings = std::min(record.failures - rule_.free_failures - 1, 20u);
    wait = std::min(rule_.longest, rule_.first * (1L << doublings));
  }
  record.until = now + wait;
  record.forgotten = record.until + 2 * rule_.longest;
}

void Lockout::succeeded(const std::string& key) {
  const std::lock_guard lock(mutex_);
  records_.erase(key);
}

}  // namespace moenet::controlplane
