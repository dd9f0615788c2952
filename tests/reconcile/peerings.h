// Peerings to test with: small, valid, and different in every field that counts.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "support/fake_node.h"

namespace moenet::reconcile {

inline Key key_of(unsigned number) {
  Key::Bytes bytes{};
  bytes[0] = static_cast<std::uint8_t>(number);
  bytes[1] = static_cast<std::uint8_t>(number >> 8);
  bytes[31] = 1;
  return Key(bytes);
}

inline IpAddress v4(unsigned last) {
  return IpAddress::v4({172, 20, static_cast<std::uint8_t>(last >> 8), static_cast<std::uint8_t>(last)});
}

inline std::string uuid_of(unsigned number) {
  char text[64];
  std::snprintf(text, sizeof text, "00000000-0000-4000-8000-%012u", number);
  return text;
}

inline std::string session_name(unsigned number) { return "dn42_" + std::to_string(4242420000u + number); }

inline model::Tunnel tunnel_of(unsigned number) {
  model::Tunnel tunnel;
  tunnel.name = session_name(number);
  tunnel.owner = model::owner_of_session(uuid_of(number));
  tunnel.addresses = {{IpPrefix::host(v4(1)), v4(1000 + number)}};
  tunnel.private_key = key_of(0xfff);
  tunnel.listen_port = static_cast<std::uint16_t>(30'000 + number);
  model::TunnelPeer peer;
  peer.public_key = key_of(number);
  peer.endpoint = Endpoint{IpAddress::v4({192, 0, 2, static_cast<std::uint8_t>(number)}), 51820};
  peer.keepalive = std::chrono::seconds(25);
  peer.allowed_ips = {{IpAddress::v4({0, 0, 0, 0}), 0}};
  tunnel.peers = {peer};
  tunnel.configured_endpoint = "peer" + std::to_string(number) + ".example:51820";
  return tunnel;
}

inline model::BirdFile file_of(unsigned number, const std::string& text = "") {
  return {session_name(number) + ".conf", model::owner_of_session(uuid_of(number)),
          "# " + session_name(number) + " " + text};
}

inline model::DesiredPeering peering_of(unsigned number, model::Intent intent = model::Intent::present) {
  model::DesiredPeering peering;
  peering.owner = model::owner_of_session(uuid_of(number));
  peering.asn = 4242420000u + number;
  peering.intent = intent;
  peering.protocol = session_name(number);
  if (intent == model::Intent::present) {
    peering.tunnel = std::make_shared<const model::Tunnel>(tunnel_of(number));
    peering.bird_file = std::make_shared<const model::BirdFile>(file_of(number));
  }
  return peering;
}

// The session as one of GRE, to 192.0.2.<number>.
inline model::Tunnel gre_tunnel_of(unsigned number, std::optional<std::uint32_t> key = std::nullopt) {
  model::Tunnel tunnel = tunnel_of(number);
  tunnel.type = model::TunnelType::gre;
  tunnel.private_key = Key();
  tunnel.listen_port = 0;
  tunnel.peers.clear();
  tunnel.configured_endpoint = "peer" + std::to_string(number) + ".example";
  GreHeader& gre = tunnel.gre.emplace();
  gre.remote = IpAddress::v4({192, 0, 2, static_cast<std::uint8_t>(number)});
  gre.key = key;
  return tunnel;
}

inline model::DesiredPeering gre_peering_of(unsigned number, std::optional<std::uint32_t> key = std::nullopt) {
  model::DesiredPeering peering = peering_of(number);
  peering.tunnel = std::make_shared<const model::Tunnel>(gre_tunnel_of(number, key));
  return peering;
}

// A neighbor in the mesh: a tunnel without a BIRD file.
inline model::DesiredPeering mesh_peering_of(model::NodeId node) {
  model::DesiredPeering peering;
  peering.owner = model::owner_of_mesh(node);
  peering.intent = model::Intent::present;
  model::Tunnel tunnel = tunnel_of(node);
  tunnel.owner = peering.owner;
  tunnel.name = "dn42-wg-igp-" + std::to_string(node);
  tunnel.listen_port = static_cast<std::uint16_t>(51'820 + node);
  tunnel.addresses = {{IpPrefix::host(v4(1)), std::nullopt}};
  peering.tunnel = std::make_shared<const model::Tunnel>(std::move(tunnel));
  return peering;
}

inline std::shared_ptr<const model::BirdFile> policy_file(const std::string& name, const std::string& text = "") {
  return std::make_shared<const model::BirdFile>(model::BirdFile{name, model::Owner(model::kPolicyOwner), text});
}

// A part of a peering for a test to change: a copy of its own, which the peering then has.
template <class T>
T& edit(std::shared_ptr<const T>& part) {
  auto own = std::make_shared<T>(*part);
  part = own;
  return *own;
}

inline model::DesiredState desired_of(std::vector<model::DesiredPeering> peerings) {
  model::DesiredState desired;
  desired.peerings = std::move(peerings);
  return desired;
}

inline std::vector<std::int64_t> statuses(const model::DesiredState& desired, std::int64_t status = 4) {
  return std::vector<std::int64_t>(desired.peerings.size(), status);
}

// A node on which all that is desired as present is in place.
inline NodeState state_of(const model::DesiredState& desired) {
  FakeNode node;
  for (const model::DesiredPeering& peering : desired.peerings) {
    if (peering.tunnel) node.state.tunnels.push_back(*peering.tunnel);
    if (peering.bird_file) node.state.bird.files.push_back(std::make_shared<const model::BirdFile>(*peering.bird_file));
  }
  if (desired.wants_firewall) {
    node.state.firewall.rules.emplace();
    node.state.firewall.intact = true;
    for (const model::Tunnel& tunnel : node.state.tunnels) {
      node.state.firewall.rules->tunnel_interfaces.push_back(tunnel.name);
      if (tunnel.listen_port != 0) node.state.firewall.rules->udp_ports.push_back(tunnel.listen_port);
      if (tunnel.gre) node.state.firewall.rules->gre_peers.push_back(*tunnel.gre->remote);
    }
    std::ranges::sort(node.state.firewall.rules->gre_peers);
    std::ranges::sort(node.state.firewall.rules->tunnel_interfaces);
    std::ranges::sort(node.state.firewall.rules->udp_ports);
  }
  if (desired.policy) std::ranges::copy(*desired.policy, std::back_inserter(node.state.bird.files));
  std::ranges::sort(node.state.tunnels, {}, &model::Tunnel::name);
  std::ranges::sort(node.state.bird.files, {}, [](const auto& file) -> const std::string& { return file->name; });
  node.configure();
  return node.state;
}

// Carries out a plan in its order, all at once and without a reconciler.
inline void carry_out(const Plan& plan, FakeNode& node) {
  const Deadline deadline(SteadyTime::max());
  const std::stop_token stop;
  if (plan.firewall) (void)node.apply_firewall(*plan.firewall, deadline, stop);
  for (const TunnelAction& action : plan.before_bird) node.apply_tunnels(std::span(&action, 1), deadline, stop);
  if (!plan.bird.empty()) (void)node.apply_bird(plan.bird, deadline, stop);
  for (const TunnelAction& action : plan.after_bird) node.apply_tunnels(std::span(&action, 1), deadline, stop);
}

}  // namespace moenet::reconcile
