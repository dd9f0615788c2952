#include "agent/tunnel_words.h"

#include <gtest/gtest.h>

#include "agent/compose_mesh.h"
#include "agent/mesh_of.h"
#include "agent/ownership_mark.h"

namespace moenet::agent {
namespace {

using model::InterfaceAddress;

const IpPrefix kOwn = IpPrefix::parse("172.22.188.2/32").value();
const IpAddress kFar = IpAddress::parse("172.20.0.1").value();

net::Link link_of(const OwnershipMark& mark) {
  net::Link link;
  link.name = "dn42_1";
  link.alias = write_mark(mark);
  link.mtu_bytes = 1420;
  link.up = true;
  link.addresses = {{kOwn, kFar}};
  return link;
}

TEST(TunnelWords, ALinkIsTheTunnelThatItsMarkNames) {
  const OwnershipMark mark{"session/u", "peer.example.net:1"};
  const auto tunnel = tunnel_of(link_of(mark), mark);
  EXPECT_EQ(tunnel.name, "dn42_1");
  EXPECT_EQ(tunnel.owner, "session/u");
  EXPECT_EQ(tunnel.configured_endpoint, "peer.example.net:1");
  EXPECT_EQ(tunnel.type, model::TunnelType::wireguard);
  EXPECT_EQ(tunnel.mtu_bytes, 1420u);
  EXPECT_TRUE(tunnel.up);
  EXPECT_EQ(tunnel.addresses, (std::vector<InterfaceAddress>{{kOwn, kFar}}));
  EXPECT_EQ(link_addresses(tunnel.addresses), (std::vector<net::LinkAddress>{{kOwn, kFar}}));
}

TEST(TunnelWords, OnlyTheLoopbacksMarkMakesALoopback) {
  const OwnershipMark loopback{model::Owner(model::kLoopbackOwner), ""};
  EXPECT_TRUE(is_loopback(loopback));
  EXPECT_EQ(tunnel_of(link_of(loopback), loopback).type, model::TunnelType::loopback);
  EXPECT_FALSE(is_loopback({"session/u", ""}));
  EXPECT_FALSE(is_loopback({}));
  const auto on_lo = loopback_on_lo({{kOwn, std::nullopt}});
  EXPECT_EQ(on_lo.name, "lo");
  EXPECT_EQ(on_lo.owner, model::kLoopbackOwner);
  EXPECT_EQ(on_lo.mtu_bytes, kLoopbackMtu);
  EXPECT_EQ(on_lo.addresses, (std::vector<InterfaceAddress>{{kOwn, std::nullopt}}));
}

TEST(TunnelWords, AGreLinkIsATunnelOfItsKind) {
  const OwnershipMark mark{"session/u", "peer.example.net"};
  net::Link link = link_of(mark);
  link.gre.emplace().remote = IpAddress::parse("192.0.2.7").value();
  EXPECT_EQ(tunnel_of(link, mark).type, model::TunnelType::gre);
  EXPECT_EQ(tunnel_of(link, mark).gre, link.gre);
  link.gre->remote = IpAddress::parse("2001:db8::7").value();
  EXPECT_EQ(tunnel_of(link, mark).type, model::TunnelType::ip6gre);
}

TEST(TunnelWords, AChangeHoldsWhatTheUpdateSaysAndNoMore) {
  reconcile::UpdateTunnel update;
  update.name = "dn42_1";
  update.mtu_bytes = 1400;
  update.add_addresses = {{kOwn, std::nullopt}};
  EXPECT_TRUE(is_empty(change_of(update))) << "what is the link's is not the device's";
  update.remove_peers = {mesh_key_of(1)};
  reconcile::PeerUpdate known;
  known.public_key = mesh_key_of(2);
  known.keepalive = std::chrono::seconds(5);
  reconcile::PeerUpdate added;
  added.public_key = mesh_key_of(3);
  added.add = true;
  update.peers = {known, added};
  const auto change = change_of(update);
  EXPECT_FALSE(is_empty(change));
  EXPECT_FALSE(change.private_key || change.listen_port || change.replace_peers);
  ASSERT_EQ(change.peers.size(), 3u);
  EXPECT_TRUE(change.peers[0].remove && change.peers[0].public_key == mesh_key_of(1));
  EXPECT_TRUE(change.peers[1].only_if_present)
      << "a peer that somebody removed does not come back with half its fields";
  EXPECT_EQ(change.peers[1].keepalive, std::chrono::seconds(5));
  EXPECT_FALSE(change.peers[1].endpoint || change.peers[1].preshared_key || change.peers[1].allowed_ips);
  EXPECT_FALSE(change.peers[2].only_if_present || change.peers[2].remove);
  update = {};
  update.listen_port = 51820;
  EXPECT_FALSE(is_empty(change_of(update)));
}

}  // namespace
}  // namespace moenet::agent
