// FailureLimit: how many refused tokens one address may send per minute. It only counts: a control plane lets a valid
// token always pass, because behind a proxy or NAT one guesser would otherwise lock out every node (its tokens have 256
// random bits, and a refused one costs no query: there the limit tells a guesser to stop, and guards nothing).
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "http/message.h"

namespace moenet::http {

class FailureLimit {
 public:
  explicit FailureLimit(unsigned most_per_minute) : most_(most_per_minute) {}

  struct Count {
    unsigned limit = 0;
    unsigned remaining = 0;
    bool exceeded = false;  // this failure was one too many
    WallTime reset;         // when the minute ends
  };
  // Thread-safe, all of it. IPv6 addresses of one /64 count as one: a host has them all.
  Count failed(std::string_view address, WallTime now);
  // None is left of this minute.
  bool is_spent(std::string_view address, WallTime now) const;

 private:
  struct Minute {
    WallTime ends;
    unsigned failures = 0;
  };
  const unsigned most_;
  mutable std::mutex mutex_;  // guards minutes_: every worker counts
  std::unordered_map<std::string, Minute> minutes_;
};

// X-RateLimit-Limit, -Remaining, -Reset (unix seconds), and Retry-After when exceeded.
void put_headers(Headers& headers, const FailureLimit::Count& count, WallTime now);

// What failures of an address count for: IPv6 addresses of one /64 are one host's.
std::string address_bucket(std::string_view address);

}  // namespace moenet::http
