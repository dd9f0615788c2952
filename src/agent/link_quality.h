// What the echoes say of each link, smoothed, as rttTask publishes it for BIRD's communities, /status, /metrics and the
// control plane.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/ip.h"
#include "model/desired.h"

namespace moenet::agent {

struct LinkQuality {
  model::Owner owner;            // a session or a neighbor in the mesh
  IpAddress target;              // that answered, or was tried last
  bool answers = false;          // false: unknown; its tunnel may be alive all the same
  std::optional<double> rtt_ms;  // median of the last burst
  std::optional<double> jitter_ms;
  std::optional<double> loss_percent;  // of the last burst; absent while unknown
  std::optional<double> smoothed_rtt_ms;
  unsigned latency_tier = 0;  // 1…9, as BIRD is told; 0: not known
  unsigned loss_class = 0;    // 91…94, as BIRD is told; 0: not known
  WallTime measured{};

  friend bool operator==(const LinkQuality&, const LinkQuality&) = default;
};
using LinkQualities = std::vector<LinkQuality>;  // sorted by owner

}  // namespace moenet::agent
