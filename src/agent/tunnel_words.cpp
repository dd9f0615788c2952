#include "agent/tunnel_words.h"

#include <utility>

#include "agent/compose_mesh.h"
#include "agent/ownership_mark.h"

namespace moenet::agent {

using model::Tunnel;

namespace {

std::vector<model::InterfaceAddress> addresses_of(const net::Link& link) {
  std::vector<model::InterfaceAddress> addresses;
  addresses.reserve(link.addresses.size());
  for (const auto& address : link.addresses) addresses.push_back({address.local, address.peer});
  return addresses;
}

}  // namespace

std::vector<net::LinkAddress> link_addresses(const std::vector<model::InterfaceAddress>& addresses) {
  std::vector<net::LinkAddress> result;
  result.reserve(addresses.size());
  for (const auto& address : addresses) result.push_back({address.local, address.peer});
  return result;
}

model::TunnelPeer peer_of(const net::WgPeer& peer, const HandshakeClock& handshakes, SteadyTime now) {
  model::TunnelPeer result;
  result.public_key = peer.public_key;
  result.preshared_key = peer.preshared_key;
  result.endpoint = peer.endpoint;
  result.keepalive = peer.keepalive;
  result.allowed_ips = peer.allowed_ips;
  result.handshake_age = handshakes.age(peer.public_key, now);
  return result;
}

bool is_loopback(const OwnershipMark& mark) { return mark.owner == model::kLoopbackOwner; }

Tunnel loopback_on_lo(const std::vector<net::LinkAddress>& addresses) {
  Tunnel tunnel;
  tunnel.name = kLo;
  tunnel.owner = model::Owner(model::kLoopbackOwner);
  tunnel.type = model::TunnelType::loopback;
  tunnel.mtu_bytes = kLoopbackMtu;
  for (const auto& address : addresses) tunnel.addresses.push_back({address.local, address.peer});
  return tunnel;
}

Tunnel tunnel_of(const net::Link& link, const OwnershipMark& mark) {
  Tunnel tunnel;
  tunnel.name = link.name;
  if (is_loopback(mark)) tunnel.type = model::TunnelType::loopback;
  if (link.gre) tunnel.type = link.gre->remote->is_v4() ? model::TunnelType::gre : model::TunnelType::ip6gre;
  tunnel.gre = link.gre;
  tunnel.owner = mark.owner;
  tunnel.mtu_bytes = link.mtu_bytes;
  tunnel.up = link.up;
  tunnel.addresses = addresses_of(link);
  tunnel.configured_endpoint = mark.configured_endpoint;
  return tunnel;
}

net::LinkChange first_change(const Tunnel& wanted) {
  net::LinkChange change;
  change.mtu_bytes = wanted.mtu_bytes;
  change.no_generated_address = true;
  change.add_addresses = link_addresses(wanted.addresses);
  if (wanted.up) change.up = true;
  return change;
}

net::WgPeerChange change_of(const model::TunnelPeer& peer) {
  net::WgPeerChange change;
  change.public_key = peer.public_key;
  change.preshared_key = peer.preshared_key;
  change.endpoint = peer.endpoint;
  change.keepalive = peer.keepalive;
  change.allowed_ips = peer.allowed_ips;
  return change;
}

net::WgChange change_of(const reconcile::UpdateTunnel& action) {
  net::WgChange change;
  change.private_key = action.private_key;
  change.listen_port = action.listen_port;
  for (const Key& key : action.remove_peers) {
    net::WgPeerChange removal;
    removal.public_key = key;
    removal.remove = true;
    change.peers.push_back(std::move(removal));
  }
  for (const auto& update : action.peers) {
    net::WgPeerChange peer;
    peer.public_key = update.public_key;
    peer.only_if_present = !update.add;
    peer.preshared_key = update.preshared_key;
    peer.endpoint = update.endpoint;
    peer.keepalive = update.keepalive;
    peer.allowed_ips = update.allowed_ips;
    change.peers.push_back(std::move(peer));
  }
  return change;
}

bool is_empty(const net::WgChange& change) {
  return !change.private_key && !change.listen_port && change.peers.empty();
}

}  // namespace moenet::agent
