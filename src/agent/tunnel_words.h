// Tunnels in the domain's words and in the adapters': what links and WireGuard devices say is told as model::Tunnel,
// and what is to become of one as their changes. Pure.
#pragma once

#include <string_view>
#include <vector>

#include "agent/handshake_clock.h"
#include "agent/ownership_mark.h"
#include "model/desired.h"
#include "net/link.h"
#include "net/wireguard.h"
#include "reconcile/plan.h"

namespace moenet::agent {

inline constexpr std::string_view kLo = "lo";

// A link with this mark as a tunnel, without its WireGuard side. One of GRE is of GRE whatever the mark says.
model::Tunnel tunnel_of(const net::Link& link, const OwnershipMark& mark);
model::TunnelPeer peer_of(const net::WgPeer& peer, const HandshakeClock& handshakes, SteadyTime now);
bool is_loopback(const OwnershipMark& mark);
// `lo` has no mark: what is ours on it are addresses.
model::Tunnel loopback_on_lo(const std::vector<net::LinkAddress>& addresses);

std::vector<net::LinkAddress> link_addresses(const std::vector<model::InterfaceAddress>& addresses);
// What makes a new link as wanted, once it has its kind and mark.
net::LinkChange first_change(const model::Tunnel& wanted);
net::WgPeerChange change_of(const model::TunnelPeer& peer);
net::WgChange change_of(const reconcile::UpdateTunnel& action);
// Would it change nothing?
bool is_empty(const net::WgChange& change);

}  // namespace moenet::agent
