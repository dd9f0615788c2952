#include "controlplane/failure_limit.h"

#include <algorithm>

#include "controlplane/lockout.h"

namespace moenet::controlplane {

namespace {

constexpr std::chrono::seconds kWindow{60};
// Chosen: an attacker with many addresses costs at most about 2 MB; then all windows start anew.
constexpr std::size_t kMostAddresses = 20'000;

}  // namespace

FailureLimit::Count FailureLimit::failed(std::string_view address, WallTime now) {
  const std::lock_guard lock(mutex_);
  if (minutes_.size() >= kMostAddresses) {
    std::erase_if(minutes_, [&](const auto& entry) { return entry.second.ends <= now; });
    if (minutes_.size() >= kMostAddresses) minutes_.clear();
  }
  Minute& minute = minutes_[address_bucket(address)];
  if (minute.ends <= now) minute = {now + kWindow, 0};
  const bool exceeded = minute.failures >= most_;
  if (!exceeded) ++minute.failures;
  return {most_, most_ - minute.failures, exceeded, minute.ends};
}

void put_headers(http::Headers& headers, const FailureLimit::Count& count, WallTime now) {
  const auto reset = std::chrono::ceil<std::chrono::seconds>(count.reset.time_since_epoch()).count();
  headers.set("X-RateLimit-Limit", std::to_string(count.limit));
  headers.set("X-RateLimit-Remaining", std::to_string(count.remaining));
  headers.set("X-RateLimit-Reset", std::to_string(reset));
  if (!count.exceeded) return;
  const auto left = std::chrono::ceil<std::chrono::seconds>(count.reset - now).count();
  headers.set("Retry-After", std::to_string(std::max<long>(1, left)));
}

}  // namespace moenet::controlplane
