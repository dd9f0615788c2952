#include "agent/tunnel_reader.h"

#include <algorithm>
#include <vector>

namespace moenet::agent {
namespace {

// An idle daemon answers within 1 ms (measured).
constexpr std::chrono::milliseconds kReadWithin{500};
// All that those may take together which did not answer the last time.
constexpr std::chrono::seconds kHangingWithin{2};
// A peer with traffic shakes hands every 120 s (REKEY_AFTER_TIME, WireGuard paper 6.1): one whose last handshake that
// is known of is older may have been silent since, and is asked again at each look.
constexpr std::chrono::seconds kAgeing{150};
// After so long it is silent for certain. Of those, this many are asked at each look, longest unread first: each costs
// 60 us, and that a tunnel works again is seen by its BGP sooner than by this.
constexpr std::chrono::seconds kSilent{210};
constexpr std::size_t kSilentPerLook = 4;

}  // namespace

TunnelReader TunnelReader::open(const WireGuardSettings& settings) {
  auto kernel = net::open_kernel_wireguard();
  net::UserspaceWireGuard userspace;
  userspace.program = settings.userspace_program;
  return {kernel ? std::move(*kernel) : nullptr, net::open_userspace_wireguard(std::move(userspace))};
}

net::WireGuard* TunnelReader::backend_of(std::string_view link_kind) const {
  if (kernel_ && link_kind == kernel_->link_kind()) return kernel_.get();
  return link_kind == userspace_->link_kind() ? userspace_.get() : nullptr;
}

bool TunnelReader::is_due(const Seen& seen, Depth depth, SteadyTime now) {
  if (depth == Depth::all || !seen.is_read) return true;
  if (!seen.peer) return false;
  const auto age = seen.handshakes.age(seen.peer->public_key, now);
  return !age || *age >= kAgeing;
}

bool TunnelReader::is_silent(const Seen& seen, SteadyTime now) {
  if (!seen.peer) return false;
  const auto age = seen.handshakes.age(seen.peer->public_key, now);
  return !age || *age >= kSilent;
}

void TunnelReader::read_one(const net::Link& link, Seen& seen, WallTime wall, SteadyTime now, Deadline deadline) {
  net::WireGuard* backend = backend_of(link.kind);
  if (backend == nullptr) return;
  auto device = backend->get(link.name, deadline.or_sooner(kReadWithin));
  seen.is_read = true;
  seen.read_at = now;
  seen.hangs = !device && device.error().code != Errc::not_found;
  seen.peer.reset();
  if (!device || device->peers.empty()) return;
  seen.handshakes.look(device->peers, wall, now);
  const net::WgPeer& peer = device->peers.front();
  seen.peer = Peer{peer.public_key, peer.endpoint, peer.rx_bytes, peer.tx_bytes};
}

void TunnelReader::read(std::span<const net::CountedLink> links, Depth depth, WallTime wall, SteadyTime now,
                        Deadline deadline, const std::stop_token& stop) {
  std::map<std::string, Seen> before = std::exchange(seen_, {});
  std::vector<std::pair<const net::Link*, Seen*>> hanging;
  std::vector<std::pair<const net::Link*, Seen*>> due;
  for (const net::CountedLink& counted : links) {
    const net::Link& link = counted.link;
    auto known = before.extract(link.name);
    const bool is_known = !known.empty() && known.mapped().index == link.index;
    Seen& seen = is_known ? seen_.insert(std::move(known)).position->second : seen_[link.name];
    seen.index = link.index;
    // One that hangs may cost its whole time, so it is left to the rounds that read all.
    if (seen.hangs && depth == Depth::all) hanging.emplace_back(&link, &seen);
    if (!seen.hangs && is_due(seen, depth, now)) due.emplace_back(&link, &seen);
  }
  if (depth == Depth::silent) {
    const auto silent =
        std::ranges::stable_partition(due, [&](const auto& one) { return !is_silent(*one.second, now); });
    std::ranges::stable_sort(silent, {}, [](const auto& one) { return one.second->read_at; });
    if (silent.size() > kSilentPerLook) due.resize(due.size() - silent.size() + kSilentPerLook);
  }
  for (const auto& [link, seen] : due) {
    if (stop.stop_requested()) return;
    read_one(*link, *seen, wall, now, deadline);
  }
  const Deadline limit = deadline.or_sooner(kHangingWithin);
  for (const auto& [link, seen] : hanging) {
    if (stop.stop_requested() || limit.passed()) return;
    read_one(*link, *seen, wall, now, limit);
  }
}

std::optional<TunnelState> TunnelReader::state_of(const std::string& name, SteadyTime now) const {
  const auto known = seen_.find(name);
  if (known == seen_.end() || !known->second.peer) return std::nullopt;
  const Peer& peer = *known->second.peer;
  return TunnelState{known->second.handshakes.age(peer.public_key, now), peer.endpoint, peer.rx_bytes, peer.tx_bytes};
}

}  // namespace moenet::agent
