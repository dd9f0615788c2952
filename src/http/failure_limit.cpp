#include "http/failure_limit.h"

#include <algorithm>

#include "base/ip.h"

namespace moenet::http {

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

bool FailureLimit::is_spent(std::string_view address, WallTime now) const {
  const std::lock_guard lock(mutex_);
  const auto held = minutes_.find(address_bucket(address));
  return held != minutes_.end() && held->second.ends > now && held->second.failures >= most_;
}

void put_headers(Headers& headers, const FailureLimit::Count& count, WallTime now) {
  const auto reset = std::chrono::ceil<std::chrono::seconds>(count.reset.time_since_epoch()).count();
  headers.set("X-RateLimit-Limit", std::to_string(count.limit));
  headers.set("X-RateLimit-Remaining", std::to_string(count.remaining));
  headers.set("X-RateLimit-Reset", std::to_string(reset));
  if (!count.exceeded) return;
  const auto left = std::chrono::ceil<std::chrono::seconds>(count.reset - now).count();
  headers.set("Retry-After", std::to_string(std::max<long>(1, left)));
}

std::string address_bucket(std::string_view address) {
  const auto parsed = IpAddress::parse(address);
  if (!parsed || parsed->is_v4()) return std::string(address);
  return std::string(parsed->bytes().substr(0, 8));
}

}  // namespace moenet::http
