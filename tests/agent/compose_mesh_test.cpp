#include "agent/compose_mesh.h"

#include <gtest/gtest.h>

#include "agent/mesh_of.h"

namespace moenet::agent {
namespace {

using model::Broken;
using model::Intent;

const NodeContext kNode{.identity = {"jp1", *IpAddress::parse("172.22.188.2"), *IpAddress::parse("fd00::2"),
                                     *IpAddress::parse("fe80::998:101:2:1")},
                        .private_key = mesh_key_of(99),
                        .names = {}};

Result<std::optional<IpAddress>> no_names(std::string_view host, std::optional<IpFamily>) {
  auto address = IpAddress::parse(host);
  if (address) return std::optional(*address);
  return fail(Errc::not_found, "no such name");
}

model::DesiredPeering only(const model::Mesh& mesh, const NodeContext& node = kNode) {
  const auto all = compose_mesh(mesh, node, no_names);
  EXPECT_EQ(all.size(), 1u);
  return all.at(0);
}

std::string cause_of(const model::DesiredPeering& peering) {
  EXPECT_TRUE(peering.verdict);
  return peering.verdict ? std::string(std::get<Broken>(*peering.verdict).cause) : "";
}

TEST(ComposeMesh, HasRoomForTheNameAndThePortOfTheLastId) {
  const auto peering = only(mesh_of({model::kLastNodeId}));
  EXPECT_EQ(peering.owner, "mesh/999");
  EXPECT_EQ(peering.tunnel->name, "dn42-wg-igp-999");
  EXPECT_EQ(peering.tunnel->name.size(), 15u) << "IFNAMSIZ of linux/if.h, less its NUL";
  EXPECT_EQ(peering.tunnel->listen_port, 52'819);
}

TEST(ComposeMesh, MakesATunnelPerNeighborAsTheContractSays) {
  auto mesh = mesh_of({1});
  mesh.peers[0].peer->preshared_key = mesh_key_of(7);
  const auto peering = only(mesh);
  EXPECT_EQ(peering.owner, "mesh/1");
  EXPECT_EQ(peering.intent, Intent::present);
  EXPECT_EQ(peering.bird_file, nullptr);
  const model::Tunnel& tunnel = *peering.tunnel;
  EXPECT_EQ(tunnel.name, "dn42-wg-igp-1");
  EXPECT_EQ(tunnel.listen_port, 51821);
  EXPECT_EQ(tunnel.mtu_bytes, 1420u);
  EXPECT_EQ(tunnel.private_key, kNode.private_key);
  ASSERT_EQ(tunnel.addresses.size(), 2u);
  EXPECT_EQ(tunnel.addresses[0].local.text(), "172.22.188.2/32");
  EXPECT_FALSE(tunnel.addresses[0].peer) << "a peer would be a route that Babel knows nothing of";
  EXPECT_EQ(tunnel.addresses[1].local.text(), "fe80::998:101:2:1/64");
  ASSERT_EQ(tunnel.peers.size(), 1u);
  EXPECT_EQ(tunnel.peers[0].endpoint->text(), "192.0.2.1:51822");
  EXPECT_EQ(tunnel.peers[0].preshared_key, mesh_key_of(7));
  EXPECT_EQ(tunnel.peers[0].allowed_ips, everything());
}

TEST(ComposeMesh, ATunnelIsNoLargerThanItsPathCarries) {
  const auto all =
      compose_mesh(mesh_of({3, 4, 5}), kNode, no_names, {{"mesh/3", 1340}, {"mesh/4", 1440}, {"mesh/50", 1300}});
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].tunnel->mtu_bytes, 1340u);
  EXPECT_EQ(all[1].tunnel->mtu_bytes, 1420u);
  EXPECT_EQ(all[2].tunnel->mtu_bytes, 1420u);
}

TEST(ComposeMesh, ANeighborWithoutEndpointIsSetUpAndDialsUs) {
  auto mesh = mesh_of({1});
  mesh.peers[0].peer->endpoint.reset();
  const auto peering = only(mesh);
  EXPECT_EQ(peering.intent, Intent::present);
  EXPECT_FALSE(peering.tunnel->peers[0].endpoint);
}

TEST(ComposeMesh, ANeighborWithoutKeyKeepsWhatRunsAndSaysWhy) {
  auto mesh = mesh_of({1});
  mesh.peers[0].peer->public_key.reset();
  const auto peering = only(mesh);
  EXPECT_EQ(peering.intent, Intent::untouched);
  EXPECT_NE(cause_of(peering).find("not known yet"), std::string::npos);
}

TEST(ComposeMesh, AFaultyRowIsThatNeighborsFaultAlone) {
  auto mesh = mesh_of({1, 3});
  mesh.peers[0].peer = std::unexpected(model::Fault{"mtu", "5 is not a number from 1280 to 9000"});
  const auto all = compose_mesh(mesh, kNode, no_names);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].intent, Intent::untouched);
  EXPECT_EQ(cause_of(all[0]), "mtu: 5 is not a number from 1280 to 9000");
  EXPECT_EQ(all[1].intent, Intent::present);
}

TEST(ComposeMesh, IsSortedByOwnerAsThePlanWantsIt) {
  const auto all = compose_mesh(mesh_of({3, 10, 20}), kNode, no_names);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_TRUE(std::ranges::is_sorted(all, {}, &model::DesiredPeering::owner));
}

TEST(ComposeMesh, ANodeWithoutLinkLocalNamesTheKey) {
  NodeContext node = kNode;
  node.identity.ipv6_link_local.reset();
  EXPECT_NE(cause_of(only(mesh_of({1}), node)).find("wireguard.dn42Ipv6LinkLocal"), std::string::npos);
}

TEST(ComposeLoopback, CarriesTheNodesAddressesOnALinkOfItsOwn) {
  EXPECT_FALSE(compose_loopback(kNode.identity, {LoopbackKind::none, "dn42-lo"}));
  EXPECT_FALSE(compose_loopback({"jp1", {}, {}, {}}, {LoopbackKind::automatic, "dn42-lo"}));
  const auto loopback = compose_loopback(kNode.identity, {LoopbackKind::automatic, "dn42-lo"});
  ASSERT_TRUE(loopback);
  EXPECT_EQ(loopback->owner, "loopback");
  EXPECT_EQ(loopback->tunnel->name, "dn42-lo");
  EXPECT_EQ(loopback->tunnel->type, model::TunnelType::loopback);
  ASSERT_EQ(loopback->tunnel->addresses.size(), 2u);
  EXPECT_EQ(loopback->tunnel->addresses[0].local.text(), "172.22.188.2/32");
  EXPECT_EQ(loopback->tunnel->addresses[1].local.text(), "fd00::2/128");
}

}  // namespace
}  // namespace moenet::agent
