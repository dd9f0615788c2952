#include "base/backoff.h"

#include <algorithm>
#include <cstdint>
#include <sys/random.h>

namespace moenet {

std::chrono::milliseconds Backoff::ceiling(unsigned attempt) const {
  std::chrono::milliseconds span = std::min(initial, cap);
  if (span.count() <= 0) return std::chrono::milliseconds(0);
  // Doubling stops at the cap, so no attempt number overflows it.
  for (unsigned i = 0; i < attempt && span < cap; ++i) span = span > cap / 2 ? cap : span * 2;
  return span;
}

std::chrono::milliseconds Backoff::delay(unsigned attempt, double fraction) const {
  const double part = fraction >= 0.0 ? std::min(fraction, 1.0) : 0.0;  // NaN counts as 0
  return std::chrono::milliseconds(static_cast<std::int64_t>(static_cast<double>(ceiling(attempt).count()) * part));
}

double random_fraction() {
  std::uint64_t bits = 0;
  // Eight bytes never come short once the pool is seeded (getrandom(2)); without any, the fraction 0 only costs spread.
  if (::getrandom(&bits, sizeof bits, 0) != static_cast<ssize_t>(sizeof bits)) bits = 0;
  constexpr double kTwoToMinus53 = 1.0 / 9007199254740992.0;  // 53 bits are all that a double in [0, 1) can hold evenly
  return static_cast<double>(bits >> 11) * kTwoToMinus53;
}

}  // namespace moenet
