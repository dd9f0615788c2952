#include "reconcile/difference.h"

#include <gtest/gtest.h>

#include "reconcile/peerings.h"

namespace moenet::reconcile {
namespace {

using std::chrono::seconds;

const Endpoint kElsewhere{IpAddress::v4({198, 51, 100, 7}), 4500};

TEST(Difference, IsAbsentBetweenEqualTunnels) { EXPECT_FALSE(difference(tunnel_of(1), tunnel_of(1))); }

TEST(Difference, NamesEachFieldAloneAndNoOther) {
  const auto desired = tunnel_of(1);
  auto observed = desired;
  observed.mtu_bytes = 1280;
  UpdateTunnel expected{desired.name, desired.owner, {}, 1420u, false, {}, {}, {}, {}, {}, {}};
  EXPECT_EQ(difference(desired, observed), expected);
  observed = desired;
  observed.up = false;
  expected.mtu_bytes.reset();
  expected.set_up = true;
  EXPECT_EQ(difference(desired, observed), expected);
  observed = desired;
  observed.private_key = key_of(5);
  expected.set_up = false;
  expected.private_key = desired.private_key;
  EXPECT_EQ(difference(desired, observed), expected);
}

TEST(Difference, OfGreIsItsWholeHeader) {
  const auto desired = gre_tunnel_of(1, 7);
  EXPECT_FALSE(difference(desired, desired));
  const UpdateTunnel expected{desired.name, desired.owner, {}, {}, false, {}, {}, {}, {}, {}, {}, desired.gre};
  const auto expect_repaired = [&](auto drift) {
    auto observed = desired;
    drift(*observed.gre);
    EXPECT_EQ(difference(desired, observed), expected);
  };
  expect_repaired([](GreHeader& gre) { gre.ttl = 1; });
  expect_repaired([](GreHeader& gre) { gre.key.reset(); });
  expect_repaired([](GreHeader& gre) { gre.key = 8; });
  expect_repaired([](GreHeader& gre) { gre.remote = v4(9); });
  expect_repaired([](GreHeader& gre) { gre.local = v4(9); });
  expect_repaired([](GreHeader& gre) { gre.is_usual = false; });
}

TEST(Difference, OfGreWithoutARemoteTakesTheOneThatIsThere) {
  auto desired = gre_tunnel_of(1);
  desired.gre->remote.reset();
  EXPECT_FALSE(difference(desired, gre_tunnel_of(1)));
  auto observed = gre_tunnel_of(1);
  observed.gre->ttl = 1;
  observed.gre->local = v4(9);
  const auto update = difference(desired, observed);
  ASSERT_TRUE(update);
  EXPECT_EQ(update->gre->remote, gre_tunnel_of(1).gre->remote);
  EXPECT_EQ(update->gre->local, v4(9));
  EXPECT_EQ(update->gre->ttl, 64);
}

TEST(Difference, AddsAndRemovesAddresses) {
  const auto desired = tunnel_of(1);
  auto observed = desired;
  observed.addresses = {{IpPrefix::host(v4(77)), std::nullopt}};
  const auto update = difference(desired, observed);
  ASSERT_TRUE(update);
  EXPECT_EQ(update->add_addresses, desired.addresses);
  EXPECT_EQ(update->remove_addresses, observed.addresses);
}

TEST(Difference, ToleratesAnotherOrderOfAddresses) {
  auto desired = tunnel_of(1);
  desired.addresses.push_back({IpPrefix::host(v4(78)), std::nullopt});
  auto observed = desired;
  std::ranges::reverse(observed.addresses);
  EXPECT_FALSE(difference(desired, observed));
}

TEST(Difference, TakesAnyPortWhenNoneIsAskedFor) {
  auto desired = tunnel_of(1);
  desired.listen_port = 0;
  EXPECT_FALSE(difference(desired, tunnel_of(1)));
}

TEST(Difference, ReplacesAPeerWhoseKeyChanged) {
  const auto desired = tunnel_of(1);
  auto observed = desired;
  observed.peers[0].public_key = key_of(99);
  const auto update = difference(desired, observed);
  ASSERT_TRUE(update);
  EXPECT_EQ(update->remove_peers, std::vector{key_of(99)});
  ASSERT_EQ(update->peers.size(), 1u);
  EXPECT_TRUE(update->peers[0].add);
  EXPECT_EQ(update->peers[0].endpoint, desired.peers[0].endpoint);
  EXPECT_EQ(update->peers[0].allowed_ips, desired.peers[0].allowed_ips);
}

TEST(Difference, RemovesAPresharedKeyByZero) {
  const auto desired = tunnel_of(1);
  auto observed = desired;
  observed.peers[0].preshared_key = key_of(3);
  const auto update = difference(desired, observed);
  ASSERT_TRUE(update);
  EXPECT_EQ(update->peers.at(0).preshared_key, Key());
  observed.peers[0].preshared_key = Key();  // the kernel's way to say none
  EXPECT_FALSE(difference(desired, observed));
}

TEST(Difference, NeverRewritesALiveEndpoint) {
  const auto desired = tunnel_of(1);
  auto observed = desired;
  observed.peers[0].endpoint = kElsewhere;
  observed.peers[0].handshake_age = kStaleHandshake;
  EXPECT_FALSE(difference(desired, observed));
}

TEST(Difference, RewritesAStaleEndpointWithoutTouchingTheMark) {
  const auto desired = tunnel_of(1);
  auto observed = desired;
  observed.peers[0].endpoint = kElsewhere;
  observed.peers[0].handshake_age = kStaleHandshake + seconds(1);
  const auto update = difference(desired, observed);
  ASSERT_TRUE(update);
  EXPECT_EQ(update->peers.at(0).endpoint, desired.peers[0].endpoint);
  EXPECT_FALSE(update->configured_endpoint);
  observed.peers[0].handshake_age.reset();
  EXPECT_TRUE(difference(desired, observed));
}

TEST(Difference, AppliesAnOperatorsChangeOfTheEndpointAtOnceAndMarksIt) {
  const auto desired = tunnel_of(1);
  auto observed = desired;
  observed.configured_endpoint = "old.example:51820";
  observed.peers[0].endpoint = kElsewhere;
  observed.peers[0].handshake_age = seconds(1);
  const auto update = difference(desired, observed);
  ASSERT_TRUE(update);
  EXPECT_EQ(update->configured_endpoint, desired.configured_endpoint);
  EXPECT_EQ(update->peers.at(0).endpoint, desired.peers[0].endpoint);
}

TEST(Difference, LeavesEndpointAndMarkWhileTheNameIsUnresolved) {
  auto desired = tunnel_of(1);
  desired.peers[0].endpoint.reset();
  desired.configured_endpoint = {};
  EXPECT_FALSE(difference(desired, tunnel_of(1)));
}

std::string obstacle_of(const model::DesiredPeering& peering, const NodeState& state) {
  return obstacle(peering, ObservedIndex(state));
}

TEST(Obstacle, SaysWhatAnOperatorCanActOn) {
  const auto desired = desired_of({peering_of(1)});
  const auto& peering = desired.peerings[0];
  auto state = state_of(desired);
  EXPECT_EQ(obstacle_of(peering, state), "");
  state.bird.protocols.clear();
  EXPECT_EQ(obstacle_of(peering, state),
            "BIRD does not run dn42_4242420001 although its file is in place: "
            "bird.conf must hold the line `include \"<peerConfDir>/*.conf\";`");
  state.bird.reachable = false;
  state.bird.problem = "connect to /run/bird/bird.ctl: no such file";
  EXPECT_EQ(obstacle_of(peering, state), "BIRD does not answer: connect to /run/bird/bird.ctl: no such file");
  state.tunnels[0].mtu_bytes = 1280;
  EXPECT_EQ(obstacle_of(peering, state), "interface dn42_4242420001 is not as wanted: mtu 1420");
  state.tunnels.clear();
  EXPECT_EQ(obstacle_of(peering, state), "interface dn42_4242420001 is missing");
  EXPECT_EQ(obstacle_of(peering_of(1, model::Intent::absent), state),
            "BIRD does not answer: connect to /run/bird/bird.ctl: no such file; BIRD file dn42_4242420001.conf is "
            "still there");
}

}  // namespace
}  // namespace moenet::reconcile
