// Moment: steady and wall time at once, for what acts by the one and tells the other.
#pragma once

#include "base/clock.h"

namespace moenet {

struct Moment {
  SteadyTime steady{};
  WallTime wall{};
};
inline Moment moment_now() { return {steady_now(), wall_now()}; }

}  // namespace moenet
