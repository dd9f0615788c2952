#include "agent/handshake_clock.h"

#include <algorithm>

namespace moenet::agent {

void HandshakeClock::look(const std::vector<net::WgPeer>& peers, WallTime wall, SteadyTime now) {
  std::vector<Seen> fresh;
  for (const net::WgPeer& peer : peers) {
    if (!peer.last_handshake) continue;
    const auto known = std::ranges::lower_bound(seen_, peer.public_key, {}, &Seen::peer);
    if (known != seen_.end() && known->peer == peer.public_key && known->told == *peer.last_handshake) {
      fresh.push_back(*known);
      continue;
    }
    // A new one: it cannot be older than our last look, whatever the wall clock says.
    auto age = std::max(std::chrono::duration_cast<SteadyTime::duration>(wall - *peer.last_handshake),
                        SteadyTime::duration::zero());
    if (last_look_) age = std::min(age, now - *last_look_);
    fresh.push_back({peer.public_key, *peer.last_handshake, now - age});
  }
  seen_ = std::move(fresh);
  last_look_ = now;
}

std::optional<std::chrono::seconds> HandshakeClock::age(const Key& peer, SteadyTime now) const {
  const auto known = std::ranges::lower_bound(seen_, peer, {}, &Seen::peer);
  if (known == seen_.end() || !(known->peer == peer)) return std::nullopt;
  return std::chrono::floor<std::chrono::seconds>(now - known->happened);
}

}  // namespace moenet::agent
