// TokenBucket: how often somebody may do something: `burst` times at once, then `per_second`. Pure; time is an
// argument.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/clock.h"

namespace moenet {

class TokenBucket {
 public:
  TokenBucket(double burst, double per_second) : burst_(burst), per_second_(per_second), tokens_(burst) {}

  // Zero: one was taken. Else how long until there is one, at least a second.
  std::chrono::seconds take(SteadyTime now) {
    const std::chrono::duration<double> passed = std::max(now, filled_) - filled_;
    tokens_ = std::min(burst_, tokens_ + passed.count() * per_second_);
    filled_ = std::max(now, filled_);
    if (tokens_ >= 1) {
      tokens_ -= 1;
      return std::chrono::seconds(0);
    }
    return std::chrono::seconds(std::max(1L, std::lround(std::ceil((1 - tokens_) / per_second_))));
  }

 private:
  double burst_;
  double per_second_;
  double tokens_;
  SteadyTime filled_{};
};

}  // namespace moenet
