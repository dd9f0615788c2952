#include "agent/compose_mesh.h"

#include <algorithm>

#include <fmt/format.h>

#include "agent/ownership_mark.h"

namespace moenet::agent {
namespace {

using model::Broken;
using model::DesiredPeering;
using model::Intent;

constexpr std::uint8_t kLinkLocalLength = 64;

// What cannot be set up now; what runs of it from before stays.
DesiredPeering waiting(DesiredPeering peering, std::string cause) {
  peering.intent = Intent::untouched;
  peering.verdict = Broken{std::move(cause)};
  return peering;
}

// The node's own link-local, and its IPv4 loopback: an IPv4 next hop for Babel, the same on all links.
std::vector<model::InterfaceAddress> addresses_of(const model::NodeIdentity& node) {
  std::vector<model::InterfaceAddress> addresses{{IpPrefix{*node.ipv6_link_local, kLinkLocalLength}, {}}};
  if (node.ipv4) addresses.push_back({IpPrefix::host(*node.ipv4), {}});
  std::ranges::sort(addresses);
  return addresses;
}

std::uint32_t limit_of(const MtuLimits& limits, const model::Owner& owner) {
  const auto limit = std::ranges::lower_bound(limits, owner, {}, &MtuLimit::owner);
  return limit != limits.end() && limit->owner == owner ? limit->mtu_bytes : 0;
}

model::Tunnel tunnel_of(const model::MeshPeer& peer, const NodeContext& node, Destination destination,
                        const MtuLimits& limits) {
  model::Tunnel tunnel;
  tunnel.name = mesh_interface(peer.node_id);
  tunnel.owner = model::owner_of_mesh(peer.node_id);
  tunnel.mtu_bytes = limited_mtu(peer.mtu_bytes, limit_of(limits, tunnel.owner));
  tunnel.addresses = addresses_of(node.identity);
  tunnel.private_key = node.private_key;
  tunnel.listen_port = static_cast<std::uint16_t>(kMeshPortBase + peer.node_id);
  tunnel.configured_endpoint = SharedText(destination.configured);
  model::TunnelPeer far;
  far.public_key = *peer.public_key;
  far.preshared_key = peer.preshared_key;
  far.endpoint = destination.endpoint;
  far.keepalive = node.keepalive;
  far.allowed_ips = everything();
  tunnel.peers.push_back(std::move(far));
  return tunnel;
}

DesiredPeering compose_row(const model::MeshRow& row, const NodeContext& node, const Lookup& lookup,
                           const MtuLimits& limits) {
  DesiredPeering desired;
  desired.owner = model::owner_of_mesh(row.node_id);
  if (!row.peer) return waiting(std::move(desired), row.peer.error().text());
  const model::MeshPeer& peer = *row.peer;
  if (!peer.public_key)
    return waiting(std::move(desired), "publicKey: not known yet, because that node has not reported one");
  if (!node.identity.ipv6_link_local)
    return waiting(std::move(desired), "this node has no link-local address: wireguard.dn42Ipv6LinkLocal");
  Destination destination = destination_of(peer.endpoint, lookup);
  desired.intent = Intent::present;
  desired.endpoint_problem = destination.problem;
  desired.has_named_endpoint = peer.endpoint && !peer.endpoint->address();
  desired.awaits_endpoint = destination.is_awaited;
  desired.tunnel = std::make_shared<const model::Tunnel>(tunnel_of(peer, node, std::move(destination), limits));
  return desired;
}

}  // namespace

std::string mesh_interface(model::NodeId neighbor) { return fmt::format("dn42-wg-igp-{}", neighbor); }

std::optional<DesiredPeering> compose_loopback(const model::NodeIdentity& node, const LoopbackSettings& settings) {
  if (settings.kind == LoopbackKind::none || (!node.ipv4 && !node.ipv6)) return std::nullopt;
  model::Tunnel link;
  link.name = settings.name;
  link.owner = model::Owner(model::kLoopbackOwner);
  link.type = model::TunnelType::loopback;
  link.mtu_bytes = kLoopbackMtu;
  for (const auto& address : {node.ipv4, node.ipv6}) {
    if (address) link.addresses.push_back({IpPrefix::host(*address), {}});
  }
  std::ranges::sort(link.addresses);
  DesiredPeering desired;
  desired.owner = link.owner;
  desired.intent = Intent::present;
  desired.tunnel = std::make_shared<const model::Tunnel>(std::move(link));
  return desired;
}

std::vector<DesiredPeering> compose_mesh(const model::Mesh& mesh, const NodeContext& node, const Lookup& lookup,
                                         const MtuLimits& limits) {
  std::vector<DesiredPeering> peerings;
  for (const model::MeshRow& row : mesh.peers) {
    if (row.node_id == 0) continue;
    if (!peerings.empty() && peerings.back().owner == model::owner_of_mesh(row.node_id)) continue;
    peerings.push_back(compose_row(row, node, lookup, limits));
  }
  std::ranges::sort(peerings, {}, &DesiredPeering::owner);
  return peerings;
}

}  // namespace moenet::agent
