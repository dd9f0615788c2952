// What no session owns: the policy, the firewall, the mesh, and BIRD's verdicts on ROAs.
#include "reconcile/reconciler_fixture.h"

namespace moenet::reconcile {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

TEST_F(ReconcilerTest, APolicyThatBirdRefusesLeavesTheOldOneAndIsTriedAgainLater) {
  auto desired = desired_of({peering_of(1)});
  desired.policy.emplace({policy_file("00_base.conf", "new"), policy_file("10_roa.conf", "new")});
  node.state.bird.files = {policy_file("00_base.conf", "old")};
  node.refused_policy = "00_base.conf:3:1 syntax error";
  const auto refused = step(desired);
  EXPECT_EQ(refused.policy_problem, node.refused_policy);
  EXPECT_EQ(conditions(refused), Texts{"InPlace"}) << "the session goes on";
  EXPECT_EQ(*node.file("00_base.conf"), *policy_file("00_base.conf", "old"));
  ASSERT_TRUE(refused.retry_at);
  EXPECT_EQ(step(desired).planned, 0u) << "not before its time";
  EXPECT_EQ(step(desired).policy_problem, node.refused_policy);
  node.refused_policy.clear();
  now = *refused.retry_at;
  EXPECT_EQ(step(desired).policy_problem, "");
  EXPECT_EQ(*node.file("00_base.conf"), *policy_file("00_base.conf", "new"));
}

TEST_F(ReconcilerTest, AFirewallThatFailsIsToldAndTriedAgainLaterAndTheRestGoesOn) {
  auto desired = desired_of({peering_of(1)});
  desired.wants_firewall = true;
  node.firewall_error = Error{Errc::unavailable, "libnftables: it crashed (signal 11)"};
  const auto report = step(desired);
  EXPECT_EQ(report.firewall_problem, node.firewall_error->what);
  EXPECT_EQ(conditions(report), Texts{"InPlace"});
  step(desired);
  EXPECT_EQ(node.operations, Texts{}) << "not before its time";
  ASSERT_TRUE(report.retry_at);
  now = *report.retry_at;
  node.firewall_error.reset();
  EXPECT_EQ(step(desired).firewall_problem, "");
  EXPECT_EQ(node.operations, Texts{"firewall"});
  step(desired);
  EXPECT_EQ(node.operations, Texts{});
}

TEST_F(ReconcilerTest, AnotherPolicyIsTriedAtOnce) {
  auto desired = desired_of({});
  desired.policy.emplace({policy_file("00_base.conf", "bad")});
  node.refused_policy = "syntax error";
  EXPECT_EQ(step(desired).policy_problem, "syntax error");
  node.refused_policy.clear();
  desired.policy.emplace({policy_file("00_base.conf", "good")});
  EXPECT_EQ(step(desired).policy_problem, "");
  EXPECT_EQ(*node.file("00_base.conf"), *policy_file("00_base.conf", "good"));
}

TEST_F(ReconcilerTest, TellsTheHandshakeOfAMeshNeighbor) {
  const auto desired = desired_of({mesh_peering_of(3)});
  EXPECT_FALSE(step(desired).outcomes[0].handshake_age);
  node.link("dn42-wg-igp-3")->peers[0].handshake_age = std::chrono::seconds(7);
  const auto report = step(desired);
  EXPECT_EQ(report.outcomes[0].owner, "mesh/3");
  EXPECT_EQ(report.outcomes[0].handshake_age, std::chrono::seconds(7));
}

TEST_F(ReconcilerTest, AsksTheFiltersOnceForAllWhenTheRoasChange) {
  const auto desired = desired_of({peering_of(1)});
  step(desired);
  node.operations.clear();
  node.state.bird.has_stale_verdicts = true;
  const auto report = step(desired);
  EXPECT_EQ(report.planned, 1u);
  EXPECT_EQ(report.failed, 0u);
  EXPECT_FALSE(report.configured_bird);
  EXPECT_EQ(conditions(report), Texts{"InPlace"});
  EXPECT_EQ(node.operations, Texts{"judge again"});
  EXPECT_EQ(step(desired).planned, 0u);
}

TEST_F(ReconcilerTest, WhatAStepMadeStaleIsSeenToAtOnce) {
  const auto desired = desired_of({peering_of(1)});
  int looks = 0;
  node.drift = [&](FakeNode& self) { self.state.bird.has_stale_verdicts |= ++looks == 2; };
  EXPECT_EQ(step(desired).retry_at, now) << "the second look of the step saw it";
  EXPECT_EQ(step(desired).retry_at, std::nullopt);
  EXPECT_FALSE(node.state.bird.has_stale_verdicts);
}

TEST_F(ReconcilerTest, FiltersThatCannotBeAskedAreAskedLaterAndLater) {
  const auto desired = desired_of({peering_of(1)});
  step(desired);
  node.state.bird.has_stale_verdicts = true;
  node.bird_error = Error{Errc::internal, "reload filters: BIRD answered 8099"};
  const auto report = step(desired);
  EXPECT_EQ(report.failed, 1u);
  EXPECT_EQ(conditions(report), Texts{"InPlace"}) << "the session itself is well";
  EXPECT_EQ(report.bird_problem, node.bird_error->what);
  ASSERT_TRUE(report.retry_at);
  EXPECT_GT(*report.retry_at, now);
  const auto calls = node.bird_calls;
  step(desired);
  EXPECT_EQ(node.bird_calls, calls);
}

}  // namespace
}  // namespace moenet::reconcile
