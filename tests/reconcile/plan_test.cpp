#include "reconcile/plan.h"

#include <gtest/gtest.h>

#include "reconcile/peerings.h"

namespace moenet::reconcile {
namespace {

using model::Intent;

template <class T>
const T& only(const std::vector<TunnelAction>& actions) {
  EXPECT_EQ(actions.size(), 1u);
  return std::get<T>(actions.at(0));
}

TEST(Plan, IsEmptyWhenAllIsInPlace) {
  const auto desired = desired_of({peering_of(1), peering_of(2)});
  EXPECT_TRUE(plan(desired, state_of(desired)).empty());
  EXPECT_EQ(describe(plan(desired, state_of(desired))), "nothing to change\n");
}

TEST(Plan, CreatesTunnelAndFileOfANewSession) {
  FakeNode node;
  const Plan made = plan(desired_of({peering_of(1)}), node.state);
  EXPECT_EQ(only<CreateTunnel>(made.before_bird).tunnel, tunnel_of(1));
  EXPECT_EQ(made.bird.put, std::vector{file_of(1)});
  EXPECT_TRUE(made.after_bird.empty());
  EXPECT_EQ(made.size(), 2u);
}

TEST(Plan, RemovesSessionBeforeItsTunnel) {
  const auto before = desired_of({peering_of(1)});
  const Plan made = plan(desired_of({peering_of(1, Intent::absent)}), state_of(before));
  EXPECT_TRUE(made.before_bird.empty());
  EXPECT_EQ(made.bird.remove, std::vector{file_of(1).name});
  EXPECT_EQ(only<RemoveTunnel>(made.after_bird).name, session_name(1));
}

TEST(Plan, RemovesWhatNobodyWants) {
  const Plan made = plan({}, state_of(desired_of({peering_of(1)})));
  EXPECT_EQ(made.bird.remove, std::vector{file_of(1).name});
  EXPECT_EQ(only<RemoveTunnel>(made.after_bird).owner, tunnel_of(1).owner);
}

TEST(Plan, KeepsAllOfAnUntouchedSession) {
  auto state = state_of(desired_of({peering_of(1)}));
  state.tunnels[0].mtu_bytes = 9;
  EXPECT_TRUE(plan(desired_of({peering_of(1, Intent::untouched)}), state).empty());
}

TEST(Plan, CarriesMeshAndLoopbackWithoutABirdFile) {
  FakeNode node;
  const auto desired = desired_of({mesh_peering_of(3)});
  const Plan made = plan(desired, node.state);
  EXPECT_EQ(only<CreateTunnel>(made.before_bird).tunnel.owner, "mesh/3");
  EXPECT_TRUE(made.bird.empty());
  EXPECT_TRUE(plan(desired, state_of(desired)).empty());
}

TEST(Plan, LetsInWhatTunnelsNeedAndWhatStays) {
  auto desired =
      desired_of({mesh_peering_of(3), peering_of(1), peering_of(2, Intent::untouched), peering_of(4, Intent::absent)});
  desired.wants_firewall = true;
  auto state = state_of(desired_of({peering_of(2), peering_of(4)}));
  const model::Firewall wanted{{30'001, 30'002, 51'823}, {"dn42-wg-igp-3", session_name(1), session_name(2)}};
  EXPECT_EQ(plan(desired, state).firewall, wanted);
  state.firewall.rules = wanted;
  state.firewall.intact = true;
  EXPECT_FALSE(plan(desired, state).firewall);
  state.firewall.intact = false;
  EXPECT_EQ(plan(desired, state).firewall, wanted) << "somebody changed a rule";
  state.firewall.problem = "libnftables: it crashed";
  EXPECT_FALSE(plan(desired, state).firewall) << "what cannot be read is not written";
  desired.wants_firewall = false;
  EXPECT_FALSE(plan(desired, {}).firewall);
}

TEST(Plan, LetsInGreFromTheFarEndsOfThoseThatAreWantedOrStay) {
  auto moved = gre_peering_of(2);
  edit(moved.tunnel).gre->remote = v4(7);
  auto desired = desired_of({gre_peering_of(1, 5), moved, peering_of(3, Intent::untouched)});
  desired.wants_firewall = true;
  NodeState state;
  state.tunnels = {gre_tunnel_of(2), gre_tunnel_of(3), gre_tunnel_of(4)};
  const Plan made = plan(desired, state);
  ASSERT_TRUE(made.firewall);
  EXPECT_EQ(made.firewall->gre_peers, (std::vector{v4(7), IpAddress::v4({192, 0, 2, 1}), IpAddress::v4({192, 0, 2, 2}),
                                                   IpAddress::v4({192, 0, 2, 3})}))
      << "of 2 both: its link moves after the firewall; 4 goes";
  EXPECT_TRUE(made.firewall->udp_ports.empty());
  EXPECT_EQ(made.firewall->tunnel_interfaces.size(), 3u);
}

TEST(Plan, AGreTunnelThatIsRenamedLeavesItsFarEndFirst) {
  auto renamed = gre_peering_of(1);
  edit(renamed.tunnel).name = "dn42-new";
  const Plan made = plan(desired_of({renamed}), state_of(desired_of({gre_peering_of(1)})));
  ASSERT_EQ(made.before_bird.size(), 2u) << describe(made);
  EXPECT_EQ(std::get<RemoveTunnel>(made.before_bird[0]).name, session_name(1));
  EXPECT_EQ(std::get<CreateTunnel>(made.before_bird[1]).tunnel.name, "dn42-new");
  EXPECT_TRUE(made.after_bird.empty());
}

TEST(Plan, GreTunnelsThatChangePlacesAreMadeAnew) {
  const auto state = state_of(desired_of({gre_peering_of(1), gre_peering_of(2)}));
  auto one = gre_peering_of(1), two = gre_peering_of(2);
  std::swap(edit(one.tunnel).gre, edit(two.tunnel).gre);
  FakeNode node;
  node.state = state;
  const auto desired = desired_of({one, two});
  const Plan made = plan(desired, state);
  EXPECT_EQ(made.before_bird.size(), 4u) << describe(made);
  carry_out(made, node);
  EXPECT_TRUE(plan(desired, node.state).empty()) << describe(plan(desired, node.state));
  EXPECT_EQ(node.violations, std::vector<std::string>());
}

TEST(Plan, AGreTunnelWhoseNameDoesNotResolveKeepsItsFarEnd) {
  auto unresolved = gre_peering_of(1);
  edit(unresolved.tunnel).gre->remote.reset();
  edit(unresolved.tunnel).configured_endpoint = {};
  EXPECT_TRUE(plan(desired_of({unresolved}), state_of(desired_of({gre_peering_of(1)}))).empty());
}

TEST(Plan, KeepsTheMeshUntilItIsKnown) {
  const auto state = state_of(desired_of({mesh_peering_of(3), peering_of(1)}));
  auto desired = desired_of({peering_of(1)});
  desired.keeps_mesh = true;
  EXPECT_TRUE(plan(desired, state).empty());
  desired.keeps_mesh = false;
  EXPECT_EQ(only<RemoveTunnel>(plan(desired, state).after_bird).name, "dn42-wg-igp-3");
}

TEST(Plan, PutsWhatDiffersOfThePolicyAndRemovesTheRest) {
  auto desired = desired_of({});
  desired.policy.emplace({policy_file("00_base.conf", "new"), policy_file("20_filters.conf", "same")});
  NodeState state;
  state.bird.reachable = true;
  state.bird.files = {policy_file("00_base.conf", "old"), policy_file("20_filters.conf", "same"),
                      policy_file("30_babel.conf", "gone")};
  const Plan made = plan(desired, state);
  EXPECT_EQ(made.bird.put, std::vector{*policy_file("00_base.conf", "new")});
  EXPECT_EQ(made.bird.remove, std::vector<std::string>{"30_babel.conf"});
  EXPECT_FALSE(made.bird.reload);
}

TEST(Plan, LeavesThePolicyWhereNoneIsKnownOrAForeignFileIsInTheWay) {
  NodeState state;
  state.bird.reachable = true;
  state.bird.files = {policy_file("00_base.conf", "old")};
  EXPECT_TRUE(plan({}, state).empty());
  auto desired = desired_of({});
  desired.policy.emplace({policy_file("00_base.conf", "new"), policy_file("10_roa.conf", "new")});
  state.bird.foreign_files = {"10_roa.conf"};
  const Plan made = plan(desired, state);
  EXPECT_TRUE(made.empty());
  EXPECT_EQ(made.blocked, std::vector<model::Owner>{"policy"});
}

TEST(Plan, LeavesATunnelThatCannotBeReadAndSaysThatItIsBlocked) {
  const auto desired = desired_of({peering_of(1), peering_of(2)});
  auto state = state_of(desired);
  state.tunnels[0].unreadable = "no answer";
  state.tunnels[0].private_key = {};
  state.tunnels[0].peers.clear();
  const Plan made = plan(desired, state);
  EXPECT_TRUE(made.empty()) << describe(made);
  EXPECT_EQ(made.blocked, std::vector{model::owner_of_session(uuid_of(1))});
  EXPECT_EQ(only<RemoveTunnel>(plan(desired_of({peering_of(1, Intent::absent), peering_of(2)}), state).after_bird).name,
            session_name(1));
}

TEST(Plan, MakesATunnelOfAnotherKindAnew) {
  const auto desired = desired_of({peering_of(1)});
  auto state = state_of(desired);
  state.tunnels[0] = gre_tunnel_of(1);
  const Plan made = plan(desired, state);
  ASSERT_EQ(made.before_bird.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<RemoveTunnel>(made.before_bird[0]));
  EXPECT_TRUE(std::holds_alternative<CreateTunnel>(made.before_bird[1]));
  EXPECT_TRUE(made.after_bird.empty());
}

TEST(Plan, MakesATunnelOfAnotherOwnerAnew) {
  const auto desired = desired_of({peering_of(1)});
  auto state = state_of(desired);
  state.tunnels[0].owner = model::owner_of_session(uuid_of(9));
  const Plan made = plan(desired, state);
  ASSERT_EQ(made.before_bird.size(), 2u);
  EXPECT_EQ(std::get<RemoveTunnel>(made.before_bird[0]).owner, model::owner_of_session(uuid_of(9)));
  EXPECT_EQ(std::get<CreateTunnel>(made.before_bird[1]).tunnel.owner, tunnel_of(1).owner);
}

TEST(Plan, OverwritesTheFileOfAReplacedSessionAndDoesNotRemoveIt) {
  const auto desired = desired_of({peering_of(1)});
  auto state = state_of(desired);
  auto old = file_of(1);
  old.owner = model::owner_of_session(uuid_of(9));
  state.bird.files = {std::make_shared<const model::BirdFile>(old)};
  const Plan made = plan(desired, state);
  EXPECT_EQ(made.bird.put, std::vector{file_of(1)});
  EXPECT_TRUE(made.bird.remove.empty());
}

TEST(Plan, MakesTheNewLinkOfARenamedOneBeforeBirdAndRemovesTheOldAfter) {
  auto renamed = peering_of(1);
  edit(renamed.tunnel).name = "dn42-new";
  edit(renamed.tunnel).listen_port = 31'000;
  const Plan made = plan(desired_of({renamed}), state_of(desired_of({peering_of(1)})));
  EXPECT_EQ(only<CreateTunnel>(made.before_bird).tunnel.name, "dn42-new");
  EXPECT_EQ(only<RemoveTunnel>(made.after_bird).name, session_name(1));
}

TEST(Plan, RemovesTheOldLinkFirstWhenTheRenamedOneNeedsItsPort) {
  auto renamed = peering_of(1);
  edit(renamed.tunnel).name = "dn42-new";
  const Plan made = plan(desired_of({renamed}), state_of(desired_of({peering_of(1)})));
  ASSERT_EQ(made.before_bird.size(), 2u);
  EXPECT_EQ(std::get<RemoveTunnel>(made.before_bird[0]).name, session_name(1));
  EXPECT_TRUE(made.after_bird.empty());
}

TEST(Plan, SwapsTwoPorts) {
  const auto before = desired_of({peering_of(1), peering_of(2)});
  auto desired = before;
  std::swap(edit(desired.peerings[0].tunnel).listen_port, edit(desired.peerings[1].tunnel).listen_port);
  FakeNode node;
  node.state = state_of(before);
  carry_out(plan(desired, node.state), node);
  EXPECT_TRUE(plan(desired, node.state).empty());
  EXPECT_EQ(node.link(session_name(1))->listen_port, tunnel_of(2).listen_port);
}

TEST(Plan, MovesAPortInPlaceWhenNobodyElseNeedsIt) {
  auto desired = desired_of({peering_of(1)});
  const auto state = state_of(desired);
  edit(desired.peerings[0].tunnel).listen_port = 31'000;
  EXPECT_EQ(only<UpdateTunnel>(plan(desired, state).before_bird).listen_port, 31'000);
}

TEST(Plan, NamesNothingForeign) {
  FakeNode node;
  node.state.foreign_links = {session_name(1)};
  node.state.bird.foreign_files = {file_of(2).name};
  EXPECT_TRUE(plan(desired_of({peering_of(1), peering_of(2)}), node.state).empty());
}

TEST(Plan, ReloadsWhenBirdDoesNotRunAFileThatIsInPlace) {
  const auto desired = desired_of({peering_of(1), peering_of(2)});
  auto state = state_of(desired);
  state.bird.protocols.pop_back();
  const Plan made = plan(desired, state);
  EXPECT_TRUE(made.bird.reload);
  EXPECT_EQ(made.size(), 1u);
}

TEST(Plan, AsksTheFiltersAgainWithoutAConfigureWhenVerdictsAreStale) {
  const auto desired = desired_of({peering_of(1)});
  auto state = state_of(desired);
  state.bird.has_stale_verdicts = true;
  const Plan made = plan(desired, state);
  EXPECT_TRUE(made.bird.judge_again);
  EXPECT_FALSE(made.bird.changes_files());
  EXPECT_EQ(made.size(), 1u);
  EXPECT_EQ(describe(made), "~ bird  ask the filters again: the network's own ROA changed\n");
  state.bird.reachable = false;
  EXPECT_TRUE(plan(desired, state).empty()) << "whom should it ask";
}

TEST(Plan, ReloadsAfterATransactionWasCutOff) {
  const auto desired = desired_of({peering_of(1)});
  auto state = state_of(desired);
  state.bird.was_cut_off = true;
  EXPECT_TRUE(plan(desired, state).bird.reload);
}

TEST(Plan, SetsUpLinksButLeavesTheFolderWhileBirdDoesNotAnswer) {
  auto state = state_of(desired_of({peering_of(1)}));
  state.bird.reachable = false;
  state.bird.protocols.clear();
  const Plan made = plan(desired_of({peering_of(1, Intent::absent), peering_of(2)}), state);
  EXPECT_TRUE(made.bird.empty());
  EXPECT_EQ(only<CreateTunnel>(made.before_bird).tunnel.name, session_name(2));
  EXPECT_EQ(only<RemoveTunnel>(made.after_bird).name, session_name(1));
}

TEST(Plan, InPlaceMeansLinkFileAndARunningProtocol) {
  const auto desired = desired_of({peering_of(1)});
  const auto& peering = desired.peerings[0];
  const auto good = state_of(desired);
  EXPECT_TRUE(is_in_place(peering, good));
  auto state = good;
  state.tunnels.clear();
  EXPECT_FALSE(is_in_place(peering, state));
  state = good;
  state.bird.files.clear();
  EXPECT_FALSE(is_in_place(peering, state));
  state = good;
  state.bird.protocols.clear();
  EXPECT_FALSE(is_in_place(peering, state));
  state = good;
  state.bird.reachable = false;
  EXPECT_FALSE(is_in_place(peering, state));
  EXPECT_FALSE(is_in_place(peering_of(1, Intent::absent), good));
  EXPECT_TRUE(is_in_place(peering_of(1, Intent::absent), NodeState()));
}

TEST(Plan, NodeStatesCompareFilesByContent) {
  const auto desired = desired_of({peering_of(1)});
  EXPECT_EQ(state_of(desired), state_of(desired));
}

}  // namespace
}  // namespace moenet::reconcile
