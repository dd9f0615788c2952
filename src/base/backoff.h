// Backoff: how long to wait before the next attempt. Exponential with full jitter, capped: uniform in [0, min(cap,
// initial*2^n)] (the "full jitter" of the AWS Architecture Blog, 2015, which spreads clients best). Pure: randomness
// comes in as a number.
#pragma once

#include <chrono>

namespace moenet {

struct Backoff {
  std::chrono::milliseconds initial{1000};
  std::chrono::milliseconds cap{30'000};

  // The longest wait before attempt `attempt` (0 is the first repetition).
  std::chrono::milliseconds ceiling(unsigned attempt) const;
  // The wait for a uniform random `fraction` in [0, 1].
  std::chrono::milliseconds delay(unsigned attempt, double fraction) const;
};

// A uniform number in [0, 1) from the operating system's entropy. For the shell; the core takes it as an argument.
double random_fraction();

}  // namespace moenet
