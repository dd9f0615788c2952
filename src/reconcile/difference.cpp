#include "reconcile/difference.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "base/log.h"

namespace moenet::reconcile {
namespace {

using model::Tunnel;
using model::TunnelPeer;

template <class T>
std::vector<T> sorted(std::vector<T> items) {
  std::ranges::sort(items);
  return items;
}

// Zero is the kernel's way to say that there is none.
bool has_preshared_key(const TunnelPeer& peer) { return peer.preshared_key && !peer.preshared_key->is_zero(); }

bool is_same_preshared_key(const TunnelPeer& a, const TunnelPeer& b) {
  if (!has_preshared_key(a) || !has_preshared_key(b)) return has_preshared_key(a) == has_preshared_key(b);
  return *a.preshared_key == *b.preshared_key;
}

PeerUpdate addition(const TunnelPeer& desired) {
  PeerUpdate update;
  update.public_key = desired.public_key;
  update.add = true;
  if (has_preshared_key(desired)) update.preshared_key = desired.preshared_key;
  update.endpoint = desired.endpoint;
  update.keepalive = desired.keepalive;
  update.allowed_ips = desired.allowed_ips;
  return update;
}

std::optional<PeerUpdate> peer_difference(const TunnelPeer& desired, const TunnelPeer& observed,
                                          bool endpoint_changed) {
  PeerUpdate update;
  update.public_key = desired.public_key;
  bool differs = false;
  if (!is_same_preshared_key(desired, observed)) {
    update.preshared_key = desired.preshared_key.value_or(Key());
    differs = true;
  }
  if (desired.endpoint && desired.endpoint != observed.endpoint && (endpoint_changed || is_silent(observed))) {
    update.endpoint = desired.endpoint;
    differs = true;
  }
  if (desired.keepalive != observed.keepalive) {
    update.keepalive = desired.keepalive;
    differs = true;
  }
  if (desired.allowed_ips != observed.allowed_ips && sorted(desired.allowed_ips) != sorted(observed.allowed_ips)) {
    update.allowed_ips = desired.allowed_ips;
    differs = true;
  }
  if (!differs) return std::nullopt;
  return update;
}

// True when the two lists of peers differ. Both are sorted by public key.
bool compare_peers(const Tunnel& desired, const Tunnel& observed, bool endpoint_changed, UpdateTunnel& update) {
  auto want = desired.peers.begin();
  auto have = observed.peers.begin();
  while (want != desired.peers.end() || have != observed.peers.end()) {
    const bool is_both =
        want != desired.peers.end() && have != observed.peers.end() && want->public_key == have->public_key;
    if (is_both) {
      if (auto changed = peer_difference(*want, *have, endpoint_changed)) update.peers.push_back(std::move(*changed));
      ++want;
      ++have;
    } else if (have == observed.peers.end() || (want != desired.peers.end() && want->public_key < have->public_key)) {
      update.peers.push_back(addition(*want++));
    } else {
      update.remove_peers.push_back((have++)->public_key);
    }
  }
  return !update.peers.empty() || !update.remove_peers.empty();
}

bool compare_addresses(const Tunnel& desired, const Tunnel& observed, UpdateTunnel& update) {
  if (desired.addresses == observed.addresses) return false;
  const auto want = sorted(desired.addresses);
  const auto have = sorted(observed.addresses);
  std::ranges::set_difference(want, have, std::back_inserter(update.add_addresses));
  std::ranges::set_difference(have, want, std::back_inserter(update.remove_addresses));
  return !update.add_addresses.empty() || !update.remove_addresses.empty();
}

// Nobody roams here: what is wanted is in force at once.
bool compare_gre(const Tunnel& desired, const Tunnel& observed, UpdateTunnel& update) {
  if (!desired.gre) return false;
  GreHeader wanted = *desired.gre;
  if (!wanted.remote) {
    wanted.remote = observed.gre->remote;
    wanted.local = observed.gre->local;
  }
  if (wanted == observed.gre) return false;
  update.gre = std::move(wanted);
  return true;
}

std::string tunnel_obstacle(const Tunnel& desired, const ObservedIndex& observed) {
  bool found = false;
  std::string extra;
  for (auto i = observed.of(desired.owner).first_tunnel; i != ObservedIndex::kNone; i = observed.next_tunnel(i)) {
    const Tunnel& tunnel = observed.tunnel(i);
    if (tunnel.name != desired.name) {
      extra = tunnel.name;
      continue;
    }
    found = true;
    if (!tunnel.unreadable.empty())
      return fmt::format("interface {} cannot be read: {}", desired.name, tunnel.unreadable);
    if (tunnel.type != desired.type) return fmt::format("interface {} is of another kind", desired.name);
    if (const auto update = difference(desired, tunnel)) {
      return fmt::format("interface {} is not as wanted: {}", desired.name, fields_of(*update));
    }
  }
  if (!found) return fmt::format("interface {} is missing", desired.name);
  if (!extra.empty()) return fmt::format("old interface {} is still there", escape_for_log(extra));
  return {};
}

std::string bird_obstacle(const model::DesiredPeering& peering, const ObservedIndex& observed) {
  const BirdState& bird = observed.state().bird;
  if (!bird.reachable) return "BIRD does not answer" + (bird.problem.empty() ? "" : ": " + bird.problem);
  bool found = false;
  for (auto i = observed.of(peering.bird_file->owner).first_file; i != ObservedIndex::kNone;
       i = observed.next_file(i)) {
    const model::BirdFile& file = observed.file(i);
    if (file.name != peering.bird_file->name)
      return fmt::format("old BIRD file {} is still there", escape_for_log(file.name));
    if (file.text != peering.bird_file->text) return fmt::format("BIRD file {} is not as wanted", file.name);
    found = true;
  }
  if (!found) return fmt::format("BIRD file {} is missing", peering.bird_file->name);
  if (bird.was_cut_off) return "BIRD may not run its files: a change of them was cut off";
  if (!observed.runs_protocol(peering.protocol)) {
    const std::string why =
        bird.problem.empty() ? "bird.conf must hold the line `include \"<peerConfDir>/*.conf\";`" : bird.problem;
    return fmt::format("BIRD does not run {} although its file is in place: {}", peering.protocol, why);
  }
  return {};
}

std::string remains(const model::Owner& owner, const ObservedIndex& observed) {
  const auto tunnel = observed.of(owner).first_tunnel;
  if (tunnel != ObservedIndex::kNone) {
    return fmt::format("interface {} is still there", escape_for_log(observed.tunnel(tunnel).name));
  }
  const auto file = observed.of(owner).first_file;
  if (file == ObservedIndex::kNone) return {};
  const BirdState& bird = observed.state().bird;
  const std::string why =
      bird.reachable ? "" : "BIRD does not answer" + (bird.problem.empty() ? "" : ": " + bird.problem) + "; ";
  return fmt::format("{}BIRD file {} is still there", why, escape_for_log(observed.file(file).name));
}

}  // namespace

std::optional<GreEnds> ends_of(const std::optional<GreHeader>& gre) {
  if (!gre || !gre->remote) return std::nullopt;
  return GreEnds{*gre->remote, gre->key};
}

bool is_silent(const TunnelPeer& observed) {
  return !observed.handshake_age || *observed.handshake_age > kStaleHandshake;
}

const Tunnel* kept_for(const Tunnel& wanted, const NodeState& observed) {
  const auto own = std::ranges::lower_bound(observed.tunnels, wanted.name, {}, &Tunnel::name);
  const bool is_kept = own != observed.tunnels.end() && own->name == wanted.name && own->owner == wanted.owner &&
                       own->type == wanted.type;
  return is_kept ? &*own : nullptr;
}

std::optional<UpdateTunnel> difference(const Tunnel& desired, const Tunnel& observed) {
  UpdateTunnel update;
  bool differs = false;
  const bool endpoint_changed =
      !desired.configured_endpoint.empty() && desired.configured_endpoint != observed.configured_endpoint;
  if (endpoint_changed) {
    update.configured_endpoint = desired.configured_endpoint;
    differs = true;
  }
  if (desired.mtu_bytes != observed.mtu_bytes) {
    update.mtu_bytes = desired.mtu_bytes;
    differs = true;
  }
  if (desired.up && !observed.up) {
    update.set_up = true;
    differs = true;
  }
  if (desired.private_key != observed.private_key) {
    update.private_key = desired.private_key;
    differs = true;
  }
  if (desired.listen_port != 0 && desired.listen_port != observed.listen_port) {
    update.listen_port = desired.listen_port;
    differs = true;
  }
  differs |= compare_addresses(desired, observed, update);
  differs |= compare_peers(desired, observed, endpoint_changed, update);
  differs |= compare_gre(desired, observed, update);
  if (!differs) return std::nullopt;
  update.name = desired.name;
  update.owner = desired.owner;
  return update;
}

std::string obstacle(const model::DesiredPeering& peering, const ObservedIndex& observed) {
  switch (peering.intent) {
    case model::Intent::untouched: return {};
    case model::Intent::absent: return remains(peering.owner, observed);
    case model::Intent::present: break;
  }
  std::string found = tunnel_obstacle(*peering.tunnel, observed);
  return found.empty() && peering.bird_file ? bird_obstacle(peering, observed) : found;
}

}  // namespace moenet::reconcile
