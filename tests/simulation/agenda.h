// Agenda: simulated time. What is to happen happens in the order of its time, and at one time in the order in which it
// was put down; in between no time passes.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "base/clock.h"
#include "base/moment.h"

namespace moenet::simulation {

class Agenda {
 public:
  using What = std::function<void()>;

  SteadyTime now() const { return now_; }
  Moment moment() const {
    return {now_, WallTime(dawn_) + std::chrono::duration_cast<WallTime::duration>(now_.time_since_epoch())};
  }
  // Somebody sets the wall clock; no time passes by that.
  void step_wall_clock(std::chrono::seconds by) { dawn_ += by; }

  void at(SteadyTime when, What what) { items_.emplace(std::pair(std::max(when, now_), next_++), std::move(what)); }
  void in(std::chrono::milliseconds wait, What what) { at(now_ + wait, std::move(what)); }

  // Lets the next thing happen that is due by `end`. False when there is none; then it is `end`.
  bool step(SteadyTime end) {
    const auto first = items_.begin();
    if (first == items_.end() || first->first.first > end) {
      now_ = end;
      return false;
    }
    now_ = first->first.first;
    const What what = std::move(first->second);
    items_.erase(first);
    what();
    return true;
  }

 private:
  std::chrono::sys_seconds dawn_ = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1);
  SteadyTime now_{std::chrono::hours(1)};  // steady time never begins at 0
  std::uint64_t next_ = 0;
  std::map<std::pair<SteadyTime, std::uint64_t>, What> items_;
};

}  // namespace moenet::simulation
