// Time as the program sees it: steady time for deadlines and intervals, wall time only for what people or the wire
// read. Functional code takes a time_point as an argument and never asks for the time.
#pragma once

#include <algorithm>
#include <chrono>

namespace moenet {

using SteadyTime = std::chrono::steady_clock::time_point;
using WallTime = std::chrono::system_clock::time_point;

inline SteadyTime steady_now() { return std::chrono::steady_clock::now(); }
inline WallTime wall_now() { return std::chrono::system_clock::now(); }

// When a blocking call must have returned. Copies freely; passing one on passes on the time that is left.
class Deadline {
 public:
  explicit Deadline(SteadyTime at) : at_(at) {}
  static Deadline after(std::chrono::nanoseconds span) {
    return Deadline(steady_now() + std::chrono::duration_cast<SteadyTime::duration>(span));
  }

  SteadyTime at() const { return at_; }
  bool passed() const { return steady_now() >= at_; }
  // Never negative; rounded up, so that a poll() with it does not return early and spin.
  std::chrono::milliseconds left() const {
    return std::max(std::chrono::milliseconds(0), std::chrono::ceil<std::chrono::milliseconds>(at_ - steady_now()));
  }
  Deadline or_sooner(std::chrono::nanoseconds span) const { return Deadline(std::min(at_, after(span).at_)); }

 private:
  SteadyTime at_;
};

}  // namespace moenet
