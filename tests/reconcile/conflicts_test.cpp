#include "reconcile/conflicts.h"

#include <gtest/gtest.h>

#include "reconcile/peerings.h"

namespace moenet::reconcile {
namespace {

using model::DesiredState;
using model::Intent;

std::string cause_of(const DesiredState& desired, std::size_t i) {
  const auto& verdict = desired.peerings.at(i).verdict;
  if (!verdict) return "";
  return std::string(std::get<model::Broken>(*verdict).cause);
}

DesiredState same_port() {
  auto desired = desired_of({peering_of(1), peering_of(2)});
  edit(desired.peerings[1].tunnel).listen_port = desired.peerings[0].tunnel->listen_port;
  return desired;
}

TEST(Conflicts, LeaveSessionsAloneThatClaimDifferentThings) {
  auto desired = desired_of({peering_of(1), peering_of(2)});
  const auto before = desired.peerings[0].tunnel;
  settle_conflicts(desired, {4, 4}, NodeState());
  EXPECT_EQ(cause_of(desired, 0) + cause_of(desired, 1), "");
  EXPECT_EQ(desired.peerings[0].tunnel, before);
}

TEST(Conflicts, TheLowerUuidWinsAmongEquals) {
  auto desired = same_port();
  settle_conflicts(desired, {4, 4}, NodeState());
  EXPECT_EQ(cause_of(desired, 0), "");
  EXPECT_EQ(cause_of(desired, 1), "listen port 30001 is in use by the session with AS4242420001 (" + uuid_of(1) + ")");
  EXPECT_EQ(desired.peerings[1].intent, Intent::untouched);
  EXPECT_FALSE(desired.peerings[1].tunnel);
}

TEST(Conflicts, EnabledWinsOverProblemAndProblemOverTheRest) {
  auto desired = same_port();
  settle_conflicts(desired, {6, 2}, NodeState());
  EXPECT_NE(cause_of(desired, 0), "");
  desired = same_port();
  settle_conflicts(desired, {4, 6}, NodeState());
  EXPECT_NE(cause_of(desired, 0), "");
}

TEST(Conflicts, WhoHasItOnTheNodeWinsOverAnyStatus) {
  auto desired = same_port();
  FakeNode node;
  node.state.tunnels = {*desired.peerings[1].tunnel};
  settle_conflicts(desired, {2, 4}, node.state);
  EXPECT_NE(cause_of(desired, 0), "");
  EXPECT_EQ(cause_of(desired, 1), "");
}

TEST(Conflicts, AreFoundForInterfaceNeighborAndFile) {
  auto desired = desired_of({peering_of(1), peering_of(2)});
  edit(desired.peerings[1].tunnel).name = session_name(1);
  settle_conflicts(desired, {4, 4}, NodeState());
  EXPECT_TRUE(cause_of(desired, 1).starts_with("interface dn42_4242420001 is in use by")) << cause_of(desired, 1);

  desired = desired_of({peering_of(1), peering_of(2)});
  edit(desired.peerings[1].tunnel).addresses = desired.peerings[0].tunnel->addresses;
  settle_conflicts(desired, {4, 4}, NodeState());
  EXPECT_TRUE(cause_of(desired, 1).starts_with("neighbor 172.20.3.233 is already the neighbor of"))
      << cause_of(desired, 1);

  desired = desired_of({peering_of(1), peering_of(2)});
  edit(desired.peerings[1].bird_file).name = file_of(1).name;
  settle_conflicts(desired, {4, 4}, NodeState());
  EXPECT_TRUE(cause_of(desired, 1).starts_with("BIRD file dn42_4242420001.conf is in use by")) << cause_of(desired, 1);
}

TEST(Conflicts, TwoGreTunnelsToOneHostNeedDifferentKeys) {
  const auto to_one_host = [](std::optional<std::uint32_t> key, std::optional<std::uint32_t> other_key) {
    auto desired = desired_of({gre_peering_of(1, key), gre_peering_of(2, other_key)});
    edit(desired.peerings[1].tunnel).gre->remote = desired.peerings[0].tunnel->gre->remote;
    settle_conflicts(desired, {4, 4}, NodeState());
    EXPECT_EQ(cause_of(desired, 0), "");
    return cause_of(desired, 1);
  };
  EXPECT_EQ(to_one_host({}, {}),
            "endpoint: 192.0.2.1 without a key is already the far end of the session with "
            "AS4242420001 (" +
                uuid_of(1) + "); GRE tunnels to one host are told apart by their keys (greKey)");
  EXPECT_TRUE(to_one_host(0, 0).starts_with("endpoint: 192.0.2.1 with key 0 is")) << to_one_host(0, 0);
  EXPECT_EQ(to_one_host({}, 0), "");
  EXPECT_EQ(to_one_host(7, 8), "");
}

TEST(Conflicts, AFarEndStaysWithWhoHasItWhileItsNameDoesNotResolve) {
  auto desired = desired_of({gre_peering_of(1), gre_peering_of(2)});
  const auto state = state_of(desired_of({gre_peering_of(2)}));
  edit(desired.peerings[0].tunnel).gre = gre_tunnel_of(2).gre;
  edit(desired.peerings[1].tunnel).gre->remote.reset();
  settle_conflicts(desired, {2, 2}, state);
  EXPECT_NE(cause_of(desired, 0), "");
  EXPECT_EQ(cause_of(desired, 1), "");
}

TEST(Conflicts, LinkLocalNeighborsMayBeEqual) {
  auto desired = desired_of({peering_of(1), peering_of(2)});
  for (auto& peering : desired.peerings) edit(peering.tunnel).addresses[0].peer = IpAddress::parse("fe80::1").value();
  settle_conflicts(desired, {4, 4}, NodeState());
  EXPECT_EQ(cause_of(desired, 1), "");
}

TEST(Conflicts, WhatRunsOfAnUntouchedSessionKeepsItsPort) {
  auto desired = same_port();
  const auto running = *desired.peerings[0].tunnel;
  desired.peerings[0] = peering_of(1, Intent::untouched);
  FakeNode node;
  node.state.tunnels = {running};
  settle_conflicts(desired, {3, 2}, node.state);
  EXPECT_NE(cause_of(desired, 1), "");
  EXPECT_EQ(cause_of(desired, 0), "");
}

TEST(Conflicts, WhatRunsOfALoserKeepsItsPort) {
  // 1 wants the port of 3, which has it; so 1 stays where it is, on the port that 2 wants.
  auto desired = desired_of({peering_of(1), peering_of(2), peering_of(3)});
  const auto state = state_of(desired_of({peering_of(1), peering_of(3)}));
  edit(desired.peerings[0].tunnel).listen_port = tunnel_of(3).listen_port;
  edit(desired.peerings[1].tunnel).listen_port = tunnel_of(1).listen_port;
  settle_conflicts(desired, {2, 2, 2}, state);
  EXPECT_NE(cause_of(desired, 0), "");
  EXPECT_NE(cause_of(desired, 1), "");
  EXPECT_EQ(cause_of(desired, 2), "");
}

TEST(Conflicts, APortThatTheKernelChoseStaysWithWhoRunsOnIt) {
  auto desired = desired_of({peering_of(1), peering_of(2)});
  auto state = state_of(desired_of({peering_of(2)}));
  const std::uint16_t chosen = state.tunnels[0].listen_port;
  edit(desired.peerings[1].tunnel).listen_port = 0;
  edit(desired.peerings[0].tunnel).listen_port = chosen;
  settle_conflicts(desired, {2, 4}, state);
  EXPECT_EQ(cause_of(desired, 0), "listen port 30002 is in use by the session with AS4242420002 (" + uuid_of(2) + ")");
  EXPECT_EQ(cause_of(desired, 1), "");
  EXPECT_EQ(describe(plan(desired, state)), "nothing to change\n");
}

TEST(Conflicts, APortThatTheKernelChoseIsFreeOnceItsLinkIsMadeAnew) {
  auto desired = desired_of({peering_of(1), peering_of(2)});
  const auto state = state_of(desired_of({peering_of(2)}));
  edit(desired.peerings[0].tunnel).listen_port = state.tunnels[0].listen_port;
  edit(desired.peerings[1].tunnel).listen_port = 0;
  edit(desired.peerings[1].tunnel).name = session_name(3);
  settle_conflicts(desired, {4, 4}, state);
  EXPECT_EQ(cause_of(desired, 0) + cause_of(desired, 1), "");
}

TEST(Conflicts, WhatIsGoingAwayHoldsNothing) {
  auto desired = same_port();
  const auto running = *desired.peerings[0].tunnel;
  desired.peerings[0] = peering_of(1, Intent::absent);
  FakeNode node;
  node.state.tunnels = {running};
  settle_conflicts(desired, {5, 4}, node.state);
  EXPECT_EQ(cause_of(desired, 1), "");
}

TEST(Conflicts, AForeignInterfaceOrFileIsNamedWithTheWayOut) {
  auto desired = desired_of({peering_of(1), peering_of(2)});
  FakeNode node;
  node.state.foreign_links = {session_name(1)};
  node.state.bird.foreign_files = {file_of(2).name};
  settle_conflicts(desired, {2, 2}, node.state);
  EXPECT_EQ(cause_of(desired, 0),
            "interface dn42_4242420001 exists and is not ours: remove it (`ip link delete dn42_4242420001`) or "
            "adopt it (`ip link set dn42_4242420001 alias 'moenet-agent session/" +
                uuid_of(1) + "'`)");
  EXPECT_EQ(cause_of(desired, 1),
            "BIRD file dn42_4242420002.conf exists in the peer folder and is not ours: remove or rename it");
  EXPECT_LE(cause_of(desired, 0).size(), 255u);
}

}  // namespace
}  // namespace moenet::reconcile
