// HandshakeClock: how long ago each peer of a device shook hands. WireGuard tells the wall time of it, and a wall clock
// may be stepped; what was seen once is counted on by steady time, so that a step makes no live peer look silent and no
// dead one alive. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/key.h"
#include "net/wireguard.h"

namespace moenet::agent {

class HandshakeClock {
 public:
  // Takes note of a device as it was just read.
  void look(const std::vector<net::WgPeer>& peers, WallTime wall, SteadyTime now);
  // Absent: never, or no such peer. Rounded down to seconds.
  std::optional<std::chrono::seconds> age(const Key& peer, SteadyTime now) const;

 private:
  struct Seen {
    Key peer;
    WallTime told;        // as WireGuard says it
    SteadyTime happened;  // as we count it
  };
  std::vector<Seen> seen_;  // sorted by peer
  std::optional<SteadyTime> last_look_;
};

}  // namespace moenet::agent
