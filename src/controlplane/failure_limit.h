// FailureLimit: how many refused tokens one address may send per minute. Only failures count, and only failures are
// limited: a valid token always passes, because behind a proxy or NAT one guesser would otherwise lock out every node
// (tokens have 256 random bits, and a refused one costs no query: the limit tells a guesser to stop, and guards
// nothing).
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "http/message.h"

namespace moenet::controlplane {

class FailureLimit {
 public:
  explicit FailureLimit(unsigned most_per_minute) : most_(most_per_minute) {}

  struct Count {
    unsigned limit = 0;
    unsigned remaining = 0;
    bool exceeded = false;  // this failure was one too many
    WallTime reset;         // when the minute ends
  };
  // Thread-safe. IPv6 addresses of one /64 count as one: a host has them all.
  Count failed(std::string_view address, WallTime now);

 private:
  struct Minute {
    WallTime ends;
    unsigned failures = 0;
  };
  const unsigned most_;
  std::mutex mutex_;  // guards minutes_: every worker counts
  std::unordered_map<std::string, Minute> minutes_;
};

// X-RateLimit-Limit, -Remaining, -Reset (unix seconds), and Retry-After when exceeded.
void put_headers(http::Headers& headers, const FailureLimit::Count& count, WallTime now);

}  // namespace moenet::controlplane
