#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "reconcile/reconciler_fixture.h"

namespace moenet::reconcile {
namespace {

using model::Intent;
using std::chrono::minutes;
using std::chrono::seconds;

TEST_F(ReconcilerTest, SetsUpLinkThenBirdAndClaimsItInPlaceAfterLookingAgain) {
  const auto report = step(desired_of({peering_of(1)}));
  EXPECT_EQ(node.operations, (Texts{"create " + link1, "put " + link1 + ".conf", "configure"}));
  EXPECT_EQ(conditions(report), Texts{"InPlace"});
  EXPECT_EQ(node.observations, 2u);
  EXPECT_TRUE(report.configured_bird);
  EXPECT_EQ(report.planned, 2u);
  EXPECT_EQ(report.failed, 0u);
  EXPECT_FALSE(report.retry_at);
  EXPECT_EQ(report.outcomes[0].changes.size(), 2u);
}

TEST_F(ReconcilerTest, DoesNothingAndLooksOnceWhenAllIsInPlace) {
  const auto desired = desired_of({peering_of(1), peering_of(2)});
  node.state = state_of(desired);
  EXPECT_EQ(conditions(desired), (Texts{"InPlace", "InPlace"}));
  EXPECT_EQ(node.observations, 1u);
  EXPECT_EQ(node.tunnel_calls + node.bird_calls, 0u);
}

TEST_F(ReconcilerTest, StopsBirdBeforeItRemovesTheLink) {
  node.state = state_of(desired_of({peering_of(1)}));
  EXPECT_EQ(conditions(desired_of({peering_of(1, Intent::absent)})), Texts{"Removed"});
  EXPECT_EQ(node.operations, (Texts{"drop " + link1 + ".conf", "configure", "remove " + link1}));
}

TEST_F(ReconcilerTest, ConfiguresBirdOncePerStepWhateverTheNumberOfChanges) {
  node.state = state_of(desired_of({peering_of(1), peering_of(2)}));
  auto changed = peering_of(2);
  edit(changed.bird_file).text = "changed";
  step(desired_of({peering_of(1, Intent::absent), changed, peering_of(3), peering_of(4)}));
  EXPECT_EQ(node.bird_calls, 1u);
}

TEST_F(ReconcilerTest, RemovesWhatNobodyWantsAndNamesTheOwner) {
  node.state = state_of(desired_of({peering_of(1)}));
  const auto report = step({});
  EXPECT_EQ(report.removed, std::vector<model::Owner>{"session/" + uuid_of(1)});
  EXPECT_TRUE(node.state.tunnels.empty());
}

TEST_F(ReconcilerTest, AnUntouchedSessionIsUnchanged) {
  node.state = state_of(desired_of({peering_of(1)}));
  EXPECT_EQ(conditions(desired_of({peering_of(1, Intent::untouched)})), Texts{"Unchanged"});
  EXPECT_EQ(node.operations, Texts());
}

TEST_F(ReconcilerTest, ATunnelThatCannotBeReadIsBrokenAndTheOthersGoOn) {
  const auto desired = desired_of({peering_of(1), peering_of(2)});
  node.state = state_of(desired_of({peering_of(1)}));
  node.state.tunnels[0].unreadable = "no answer from the WireGuard daemon in time";
  EXPECT_EQ(conditions(desired),
            (Texts{"Broken: interface " + link1 + " cannot be read: no answer from the WireGuard daemon in time",
                   "InPlace"}));
  node.state.tunnels[0].unreadable = {};
  EXPECT_EQ(conditions(desired), (Texts{"InPlace", "InPlace"}));
}

// One that waits for its next attempt keeps what it has, so another may plan nothing and still not be in place.
TEST_F(ReconcilerTest, WhatIsBlockedIsNotInPlace) {
  node.state = state_of(desired_of({peering_of(1)}));
  auto moved = peering_of(1);
  edit(moved.tunnel).name = "elsewhere";
  edit(moved.tunnel).listen_port = 39'999;
  node.failing_links["elsewhere"] = {Errc::internal, "no"};
  auto heir = peering_of(2);
  edit(heir.tunnel).name = link1;
  edit(heir.bird_file).name = "dn42_x.conf";
  heir.protocol = "dn42_x";
  for (int i = 0; i < 2; ++i) step(desired_of({moved}));
  EXPECT_EQ(conditions(desired_of({moved, heir})), (Texts{"Broken: no", "Broken: interface " + link1 + " is missing"}));
}

TEST_F(ReconcilerTest, NothingIsClaimedWhileAnEndpointIsLookedUp) {
  auto awaited = peering_of(1);
  edit(awaited.tunnel).configured_endpoint = {};
  edit(awaited.tunnel).peers[0].endpoint.reset();
  awaited.has_named_endpoint = awaited.awaits_endpoint = true;
  EXPECT_EQ(conditions(desired_of({awaited})), Texts{"Unchanged"});
  auto found = peering_of(1);
  found.has_named_endpoint = true;
  EXPECT_EQ(conditions(desired_of({found})), Texts{"InPlace"});
  EXPECT_EQ(conditions(desired_of({awaited})), Texts{"InPlace"}) << "it has an endpoint from before";
}

TEST_F(ReconcilerTest, SaysWhichNamedPeersAreSilent) {
  auto named = peering_of(1);
  named.has_named_endpoint = true;
  const auto desired = desired_of({named, peering_of(2)});
  node.state = state_of(desired);
  EXPECT_TRUE(step(desired).outcomes[0].is_silent) << "never heard";
  EXPECT_FALSE(step(desired).outcomes[1].is_silent) << "an address needs no lookup";
  node.state.tunnels[0].peers[0].handshake_age = seconds(10);
  EXPECT_FALSE(step(desired).outcomes[0].is_silent);
  node.state.tunnels[0].peers[0].handshake_age = kStaleHandshake + seconds(1);
  EXPECT_TRUE(step(desired).outcomes[0].is_silent);
}

TEST_F(ReconcilerTest, AFailedTunnelGetsNoBirdFileAndTheOthersGoOn) {
  node.failing_links[link1] = {Errc::conflict, "listen port 30001 is in use"};
  const auto report = step(desired_of({peering_of(1), peering_of(2)}));
  EXPECT_EQ(conditions(report), (Texts{"Broken: listen port 30001 is in use", "InPlace"}));
  EXPECT_EQ(node.state.bird.files.size(), 1u);
  EXPECT_EQ(report.failed, 1u);
}

// The order was for a BIRD that reads its configuration, which it does not when the only new file is held back.
TEST_F(ReconcilerTest, WhoIsShutIsNotShutAgainWhenTheFilesAreHeldBack) {
  auto desired = desired_of({peering_of(1)});
  desired.switches.shut = {link1, link2};
  step(desired);
  ASSERT_EQ(node.state.bird.shut_protocols, Texts{link1});
  node.failing_links[link2] = {Errc::conflict, "listen port 30002 is in use"};
  auto more = desired_of({peering_of(1), peering_of(2)});
  more.switches.shut = {link1, link2};
  step(more);
  EXPECT_EQ(node.operations, Texts{"create " + link2});
}

TEST_F(ReconcilerTest, ASessionWhoseUpdateFailsKeepsItsOldFile) {
  node.state = state_of(desired_of({peering_of(1)}));
  auto changed = peering_of(1);
  edit(changed.tunnel).mtu_bytes = 1300;
  edit(changed.bird_file).text = "new";
  node.failing_links[link1] = {Errc::internal, "set link: no"};
  EXPECT_EQ(conditions(desired_of({changed})), Texts{"Broken: set link: no"});
  EXPECT_EQ(node.bird_calls, 0u);
  EXPECT_EQ(*node.state.bird.files[0], file_of(1));
}

TEST_F(ReconcilerTest, ARenamedSessionKeepsItsOldLinkUntilTheNewOneWorks) {
  node.state = state_of(desired_of({peering_of(1)}));
  auto renamed = peering_of(1);
  edit(renamed.tunnel).name = "dn42-new";
  edit(renamed.tunnel).listen_port = 31'000;
  node.failing_links["dn42-new"] = {Errc::internal, "no"};
  step(desired_of({renamed}));
  EXPECT_NE(node.link(link1), nullptr);
  node.failing_links.clear();
  EXPECT_EQ(conditions(desired_of({renamed})), Texts{"InPlace"});
  EXPECT_EQ(node.link(link1), nullptr);
}

TEST_F(ReconcilerTest, WhatIsInTheWayAndStaysIsNotBuiltOver) {
  node.state = state_of(desired_of({peering_of(1)}));
  node.state.tunnels[0] = gre_tunnel_of(1);
  node.failing_links[link1] = {Errc::denied, "remove: permission denied"};
  EXPECT_EQ(conditions(desired_of({peering_of(1)})), Texts{"Broken: remove: permission denied"});
  EXPECT_EQ(node.operations, Texts{"remove " + link1});
}

TEST_F(ReconcilerTest, TriesAgainAtOnceAndThenWithGrowingWaits) {
  const auto desired = desired_of({peering_of(1)});
  node.failing_links[link1] = {Errc::internal, "no"};
  EXPECT_EQ(step(desired).outcomes[0].retry_at, now);
  std::vector<SteadyTime::duration> waits;
  for (int i = 0; i < 9; ++i) {
    const auto report = step(desired);
    ASSERT_TRUE(report.retry_at);
    waits.push_back(*report.retry_at - now);
    now = *report.retry_at - seconds(1);
    const auto waiting = step(desired);
    EXPECT_EQ(node.operations, Texts()) << "still waiting";
    EXPECT_EQ(conditions(waiting), Texts{"Broken: no"});
    EXPECT_EQ(waiting.retry_at, report.retry_at);
    now += seconds(1);
  }
  EXPECT_GE(waits.front(), seconds(5));
  EXPECT_LE(waits.front(), seconds(10));
  EXPECT_GE(waits.back(), minutes(5));
  EXPECT_LE(waits.back(), minutes(10));
  node.failing_links.clear();
  EXPECT_EQ(conditions(desired), Texts{"InPlace"});
}

TEST_F(ReconcilerTest, AChangedRowIsTriedAtOnce) {
  auto desired = desired_of({peering_of(1)});
  node.failing_links[link1] = {Errc::internal, "no"};
  step(desired);
  step(desired);
  node.failing_links.clear();
  EXPECT_EQ(conditions(desired), Texts{"Broken: no"});
  edit(desired.peerings[0].tunnel).mtu_bytes = 1300;
  EXPECT_EQ(conditions(desired), Texts{"InPlace"});
}

TEST_F(ReconcilerTest, ANewAddressOfTheEndpointsNameIsNoChangeOfTheRow) {
  auto desired = desired_of({peering_of(1)});
  node.failing_links[link1] = {Errc::internal, "no"};
  step(desired);
  step(desired);
  node.failing_links.clear();
  edit(desired.peerings[0].tunnel).peers[0].endpoint = Endpoint{v4(3), 3};
  EXPECT_EQ(conditions(desired), Texts{"Broken: no"});
}

TEST_F(ReconcilerTest, AWaitingSessionThatSomebodyMendedIsInPlace) {
  const auto desired = desired_of({peering_of(1)});
  node.failing_links[link1] = {Errc::internal, "no"};
  step(desired);
  step(desired);
  node.state = state_of(desired);
  EXPECT_EQ(conditions(desired), Texts{"InPlace"});
}

TEST_F(ReconcilerTest, WithoutBirdTunnelsComeUpAndNothingIsCountedAsFailure) {
  node.state.bird.reachable = false;
  node.state.bird.problem = "connect: no such file";
  const auto desired = desired_of({peering_of(1)});
  const auto report = step(desired);
  EXPECT_EQ(conditions(report), Texts{"Broken: BIRD does not answer: connect: no such file"});
  EXPECT_EQ(report.bird_problem, "connect: no such file");
  EXPECT_EQ(report.retry_at, now + seconds(10));
  EXPECT_NE(node.link(link1), nullptr);
  EXPECT_EQ(node.bird_calls, 0u);
  for (int i = 0; i < 3; ++i) step(desired);
  node.state.bird.reachable = true;
  node.state.bird.problem.clear();
  EXPECT_EQ(conditions(desired), Texts{"InPlace"});
}

TEST_F(ReconcilerTest, ADeletedSessionLosesItsLinkWhileBirdIsAwayAndItsFileAfterwards) {
  node.state = state_of(desired_of({peering_of(1)}));
  node.state.bird.reachable = false;
  const auto desired = desired_of({peering_of(1, Intent::absent)});
  EXPECT_EQ(conditions(desired), Texts{"Broken: BIRD does not answer; BIRD file dn42_4242420001.conf is still there"});
  EXPECT_TRUE(node.state.tunnels.empty());
  node.state.bird.reachable = true;
  EXPECT_EQ(conditions(desired), Texts{"Removed"});
}

TEST_F(ReconcilerTest, ALinkStaysWhileBirdRefusesToDropItsSession) {
  node.state = state_of(desired_of({peering_of(1)}));
  node.bird_error = Error{Errc::invalid, "bird.conf:3: syntax error"};
  const auto desired = desired_of({peering_of(1, Intent::absent), peering_of(2)});
  const auto report = step(desired);
  const std::string cause = "Broken: BIRD cannot be configured: bird.conf:3: syntax error";
  EXPECT_EQ(conditions(report), (Texts{cause, cause}));
  EXPECT_EQ(report.bird_problem, "bird.conf:3: syntax error");
  EXPECT_NE(node.link(link1), nullptr);
  EXPECT_NE(node.link(link2), nullptr);
}

TEST_F(ReconcilerTest, AFailedTransactionIsNotRepeatedBeforeItsTimeUnlessItChanges) {
  node.bird_error = Error{Errc::conflict, "an untouched session fell"};
  auto desired = desired_of({peering_of(1)});
  const auto report = step(desired);
  ASSERT_TRUE(report.retry_at);
  EXPECT_GE(*report.retry_at, now + seconds(5));
  step(desired);
  EXPECT_EQ(node.bird_calls, 1u);
  desired.peerings.push_back(peering_of(2));
  step(desired);
  EXPECT_EQ(node.bird_calls, 2u);
  now += minutes(1);
  node.bird_error.reset();
  EXPECT_EQ(conditions(desired), (Texts{"InPlace", "InPlace"}));
  EXPECT_EQ(step(desired).bird_problem, "");
}

TEST_F(ReconcilerTest, WhatBirdRefusesIsInvalidAndLeavesNothingBehindInTheSameStep) {
  node.refused_files[link1 + ".conf"] = "1:5 syntax error";
  auto desired = desired_of({peering_of(1), peering_of(2)});
  EXPECT_EQ(conditions(desired), (Texts{"Invalid: BIRD refuses it: 1:5 syntax error", "InPlace"}));
  EXPECT_EQ(node.link(link1), nullptr);
  EXPECT_NE(node.link(link2), nullptr);
  EXPECT_EQ(conditions(desired), (Texts{"Invalid: BIRD refuses it: 1:5 syntax error", "InPlace"}));
  EXPECT_EQ(node.operations, Texts()) << "not tried again";
  node.refused_files.clear();
  edit(desired.peerings[0].bird_file).text = "better";
  EXPECT_EQ(conditions(desired), (Texts{"InPlace", "InPlace"}));
}

TEST_F(ReconcilerTest, ARunningSessionThatBirdRefusesIsTakenDown) {
  auto desired = desired_of({peering_of(1)});
  node.state = state_of(desired);
  edit(desired.peerings[0].bird_file).text = "worse";
  node.refused_files[link1 + ".conf"] = "no";
  EXPECT_EQ(conditions(desired), Texts{"Invalid: BIRD refuses it: no"});
  EXPECT_TRUE(node.state.tunnels.empty());
}

TEST_F(ReconcilerTest, AProtocolThatBirdDoesNotRunAfterConfigureIsBrokenAndNotReloadedForEver) {
  node.bird_reads_folder = false;
  const auto desired = desired_of({peering_of(1)});
  EXPECT_NE(conditions(desired).at(0).find("include"), std::string::npos);
  for (int i = 0; i < 5; ++i) step(desired);
  EXPECT_EQ(node.bird_calls, 2u);
  node.bird_reads_folder = true;
  node.configure();
  EXPECT_EQ(conditions(desired), Texts{"InPlace"});
}

TEST_F(ReconcilerTest, CatchesUpWithATransactionThatWasCutOff) {
  const auto desired = desired_of({peering_of(1)});
  node.state = state_of(desired);
  node.state.bird.was_cut_off = true;
  EXPECT_EQ(conditions(desired), Texts{"InPlace"});
  EXPECT_EQ(node.bird_calls, 1u);
}

TEST_F(ReconcilerTest, RepairsDrift) {
  const auto desired = desired_of({peering_of(1)});
  step(desired);
  node.link(link1)->private_key = key_of(7);
  node.link(link1)->addresses.clear();
  EXPECT_EQ(conditions(desired), Texts{"InPlace"});
  EXPECT_EQ(node.operations, Texts{"update " + link1});
}

TEST_F(ReconcilerTest, ClaimsNothingThatTheLastLookDoesNotShow) {
  node.drift = [](FakeNode& self) { self.state.tunnels.clear(); };
  EXPECT_EQ(conditions(desired_of({peering_of(1)})), Texts{"Broken: interface dn42_4242420001 is missing"});
}

TEST_F(ReconcilerTest, AVerdictGivenIsReportedAsItIs) {
  auto desired = desired_of({peering_of(1, Intent::untouched), peering_of(2, Intent::absent)});
  desired.peerings[0].verdict = model::Broken{"waits"};
  desired.peerings[1].verdict = model::Invalid{"mtu"};
  EXPECT_EQ(conditions(desired), (Texts{"Broken: waits", "Invalid: mtu"}));
}

TEST_F(ReconcilerTest, AForeignInterfaceIsNeverTouched) {
  node.state.foreign_links = {link1};
  EXPECT_TRUE(conditions(desired_of({peering_of(1)}))
                  .at(0)
                  .starts_with("Broken: interface dn42_4242420001 exists and is not ours"));
  EXPECT_EQ(node.operations, Texts());
}

TEST_F(ReconcilerTest, ANodeThatCannotBeObservedIsTheStepsError) {
  node.observe_error = Error{Errc::unavailable, "netlink"};
  EXPECT_EQ(reconciler.step({}, {}, now, stop).error().code, Errc::unavailable);
}

TEST_F(ReconcilerTest, AStopLeavesWhatIsLeftUndoneAndIsNoFailure) {
  std::stop_source source;
  node.drift = [&](FakeNode&) { source.request_stop(); };
  const auto desired = desired_of({peering_of(1)});
  EXPECT_EQ(reconciler.step(desired, statuses(desired), now, source.get_token()).error().code, Errc::cancelled);
  EXPECT_EQ(node.operations, Texts());
  node.drift = nullptr;
  EXPECT_EQ(conditions(desired), Texts{"InPlace"});
}

TEST_F(ReconcilerTest, SessionThatTurnsInvalidKeepsWhatRuns) {
  step(desired_of({peering_of(1)}));
  node.operations.clear();
  auto invalid = peering_of(1, Intent::untouched);
  invalid.verdict = model::Invalid{"mtu: -5"};
  EXPECT_EQ(text_of(step(desired_of({invalid})).outcomes.at(0).condition), text_of(model::Broken{"mtu: -5"}));
  EXPECT_EQ(node.operations, Texts());
}

TEST_F(ReconcilerTest, SessionThatWasNeverSetUpAndIsInvalidIsInvalid) {
  auto invalid = peering_of(1, Intent::untouched);
  invalid.verdict = model::Invalid{"mtu: -5"};
  EXPECT_EQ(text_of(step(desired_of({invalid})).outcomes.at(0).condition), text_of(model::Invalid{"mtu: -5"}));
}

TEST_F(ReconcilerTest, NameThatDoesNotResolveIsAProblemOnlyWhileNoEndpointIsThere) {
  auto unresolved = peering_of(1);
  edit(unresolved.tunnel).configured_endpoint = {};
  edit(unresolved.tunnel).peers[0].endpoint.reset();
  unresolved.endpoint_problem = "endpoint x does not resolve";
  EXPECT_EQ(text_of(step(desired_of({unresolved})).outcomes.at(0).condition),
            text_of(model::Broken{"endpoint x does not resolve"}));
  step(desired_of({peering_of(1)}));
  EXPECT_EQ(text_of(step(desired_of({unresolved})).outcomes.at(0).condition), text_of(model::InPlace{}));
}

TEST_F(ReconcilerTest, AGreTunnelIsMadeWhenItsFarEndIsKnown) {
  auto unresolved = gre_peering_of(1);
  edit(unresolved.tunnel).configured_endpoint = {};
  edit(unresolved.tunnel).gre->remote.reset();
  unresolved.awaits_endpoint = true;
  EXPECT_EQ(conditions(desired_of({unresolved})), Texts{"Unchanged"});
  unresolved.awaits_endpoint = false;
  unresolved.endpoint_problem = "endpoint x does not resolve";
  EXPECT_EQ(conditions(desired_of({unresolved})), Texts{"Broken: endpoint x does not resolve"});
  EXPECT_EQ(node.operations, Texts());
  EXPECT_EQ(conditions(desired_of({gre_peering_of(1)})), Texts{"InPlace"});
  EXPECT_EQ(conditions(desired_of({unresolved})), Texts{"InPlace"}) << "what its name led to stays";
  EXPECT_EQ(node.operations, Texts());
}

TEST_F(ReconcilerTest, AGrePeerIsSilentWhileBgpIsNotEstablished) {
  auto named = gre_peering_of(1);
  named.has_named_endpoint = true;
  step(desired_of({named}));
  EXPECT_FALSE(step(desired_of({named})).outcomes.at(0).is_silent);
  node.state.bird.silent_protocols = {named.protocol};
  EXPECT_TRUE(step(desired_of({named})).outcomes.at(0).is_silent);
}

TEST_F(ReconcilerTest, TheSecondGreSessionToOneHostIsBrokenAndTheFirstGoesOn) {
  auto second = gre_peering_of(2);
  edit(second.tunnel).gre = gre_tunnel_of(1).gre;
  const auto told = conditions(desired_of({gre_peering_of(1), second}));
  EXPECT_EQ(told.at(0), "InPlace");
  EXPECT_TRUE(told.at(1).starts_with("Broken: endpoint: 192.0.2.1 without a key is already the far end of")) << told[1];
  EXPECT_EQ(node.link(link2), nullptr);
  edit(second.tunnel).gre->key = 2;
  EXPECT_EQ(conditions(desired_of({gre_peering_of(1), second})), (Texts{"InPlace", "InPlace"}));
}

TEST_F(ReconcilerTest, PreviewChangesNothingAndShowsWhatIsDue) {
  const auto desired = desired_of({peering_of(1)});
  const auto made = reconciler.preview(desired, statuses(desired), stop);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->size(), 2u);
  EXPECT_EQ(node.operations, Texts());
}

RC_GTEST_PROP(ReconcilerLaws, AfterAPartialFailureTheNextStepConverges, ()) {
  FakeNode node;
  DesiredState before, desired;
  for (unsigned n = 1; n <= 8; ++n) {
    if (*rc::gen::arbitrary<bool>()) before.peerings.push_back(peering_of(n));
    auto wanted = peering_of(n, *rc::gen::element(Intent::present, Intent::present, Intent::absent));
    if (wanted.tunnel && *rc::gen::arbitrary<bool>()) edit(wanted.tunnel).mtu_bytes = 1300;
    if (wanted.bird_file && *rc::gen::arbitrary<bool>()) edit(wanted.bird_file).text = "other";
    desired.peerings.push_back(std::move(wanted));
    if (*rc::gen::arbitrary<bool>()) node.failing_links[session_name(n)] = {Errc::internal, "no"};
  }
  node.state = state_of(before);
  if (*rc::gen::inRange(0, 3) == 0) node.bird_error = Error{Errc::unavailable, "away"};
  Reconciler reconciler(node, {});
  const SteadyTime now{std::chrono::hours(1)};
  RC_ASSERT(reconciler.step(desired, statuses(desired), now, {}).has_value());
  node.failing_links.clear();
  node.bird_error.reset();
  const auto report = reconciler.step(desired, statuses(desired), now + minutes(1), {});
  RC_ASSERT(report.has_value());
  RC_ASSERT(node.violations == std::vector<std::string>());
  RC_ASSERT(report->failed == 0u);
  for (std::size_t i = 0; i < report->outcomes.size(); ++i) {
    const bool is_wanted = desired.peerings[i].intent == Intent::present;
    RC_ASSERT(text_of(report->outcomes[i].condition) == (is_wanted ? "InPlace" : "Removed"));
  }
}

}  // namespace
}  // namespace moenet::reconcile
