#include "agent/health.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "agent/measured.h"

namespace moenet::agent {
namespace {

using namespace testing;
using model::SessionStatus;
using std::chrono::minutes;
using std::chrono::seconds;

const SteadyTime kStart{std::chrono::hours(1)};
const WallTime kWall{std::chrono::hours(1000)};

LinkMeasurement measured(model::Asn asn, std::optional<bird::ProtocolDetail> bgp) {
  LinkMeasurement link;
  link.owner = model::owner_of_session(uuid_of(asn));
  link.asn = asn;
  link.interface_name = "dn42_" + std::to_string(asn);
  link.has_link = link.is_up = true;
  link.tunnel = TunnelState{seconds(20), Endpoint{IpAddress::parse("192.0.2.7").value(), 31080}, 0, 0};
  link.bgp = std::move(bgp);
  return link;
}

TEST(CauseOfFailure, IsTheFirstThatExplainsTheOthers) {
  EXPECT_EQ(cause_of_failure(measured(1, established(1)), true), "");
  LinkMeasurement link = measured(1, not_established(1, "Socket: No route to host"));
  EXPECT_EQ(cause_of_failure(link, true), "BGP is not established: no route to host fe80::1");
  link.tunnel->handshake_age = seconds(179);
  EXPECT_EQ(cause_of_failure(link, true), "BGP is not established: no route to host fe80::1");
  link.tunnel->handshake_age = minutes(14);
  EXPECT_EQ(cause_of_failure(link, true), "no handshake for over 10 min: endpoint 192.0.2.7:31080 does not answer");
  link.tunnel->handshake_age.reset();
  EXPECT_EQ(cause_of_failure(link, true), "no handshake yet: endpoint 192.0.2.7:31080 does not answer");
  link.tunnel->endpoint.reset();
  EXPECT_EQ(cause_of_failure(link, true), "no handshake yet: the peer has not called, and it has no endpoint to call");
  link.is_up = false;
  EXPECT_EQ(cause_of_failure(link, true), "link dn42_1 is down");
  link.has_link = false;
  EXPECT_EQ(cause_of_failure(link, true), "link dn42_1 is gone");
}

TEST(CauseOfFailure, OfGreIsItsLinkOrBgp) {
  LinkMeasurement link = measured(1, not_established(1, "Socket: No route to host"));
  link.tunnel.reset();
  link.gre.emplace().remote = IpAddress::parse("192.0.2.7").value();
  EXPECT_EQ(cause_of_failure(link, true), "BGP is not established: no route to host fe80::1");
  link.is_up = false;
  EXPECT_EQ(cause_of_failure(link, true), "link dn42_1 is down");
  link.bgp = established(1);
  EXPECT_EQ(cause_of_failure(link, true), "");
}

TEST(CauseOfFailure, OfBgpNothingIsSaidWhileBirdDoesNotAnswer) {
  EXPECT_EQ(cause_of_failure(measured(1, std::nullopt), false), std::nullopt);
  EXPECT_EQ(cause_of_failure(measured(1, std::nullopt), true), "BIRD does not run dn42_1");
  LinkMeasurement silent = measured(1, std::nullopt);
  silent.tunnel->handshake_age.reset();
  EXPECT_TRUE(cause_of_failure(silent, false)) << "but what is below is known";
}

TEST(CauseOfFailure, AnUnreadableTunnelIsNoCause) {
  LinkMeasurement link = measured(1, not_established(1));
  link.tunnel.reset();
  EXPECT_EQ(cause_of_failure(link, true), "BGP is not established: the neighbor does not answer");
}

TEST(CauseOfFailure, NamesALimitThatIsHit) {
  LinkMeasurement link = measured(1, established(1));
  link.bgp->channels[0].import_limit = bird::ChannelLimit{1000, true, "block"};
  EXPECT_EQ(cause_of_failure(link, true), "import limit of 1000 routes hit (ipv4): more are blocked");
  link.bgp->channels[0].import_limit->action = "warn";
  EXPECT_EQ(cause_of_failure(link, true), "");
}

TEST(CauseOfFailure, NamesWhoWasDisabled) {
  LinkMeasurement link = measured(1, not_established(1));
  link.bgp->status.state = "down";
  EXPECT_EQ(cause_of_failure(link, true), "BGP is not established: disabled on this node");
}

TEST(CauseOfFailure, SaysTheSameForLongAsTimePasses) {
  LinkMeasurement link = measured(1, not_established(1));
  std::set<std::string> texts;
  for (auto age = minutes(3); age < std::chrono::hours(24); age += minutes(1)) {
    link.tunnel->handshake_age = age;
    texts.insert(cause_of_failure(link, true).value());
  }
  EXPECT_LE(texts.size(), 8u) << "each is told to the control plane";
}

// One session, judged at moments of the test's choice.
class HealthTest : public ::testing::Test {
 protected:
  const Health& judge(seconds at, bool works, std::string bird_problem = "") {
    Measurement measurement;
    measurement.steady = kStart + at;
    measurement.wall = kWall + at;
    measurement.bird_problem = std::move(bird_problem);
    std::optional<bird::ProtocolDetail> bgp;
    if (measurement.bird_problem.empty()) bgp = works ? established(1) : not_established(1, error_);
    measurement.links = {measured(1, bgp)};
    table_ = judge_.judge(measurement, sessions_, shut_);
    static const Health kNone;
    return table_.empty() ? kNone : table_.front();
  }
  bool is_a_problem(seconds at, bool works) { return !judge(at, works).works; }

  std::string error_ = "Socket: No route to host";
  SessionViews sessions_{session_view(1)};
  std::vector<std::string> shut_;
  HealthTable table_;
  HealthJudge judge_{{}};
};

TEST_F(HealthTest, AFailureThatLastsIsAProblemWithItsCause) {
  judge(seconds(0), true);
  EXPECT_FALSE(is_a_problem(seconds(10), false));
  EXPECT_FALSE(is_a_problem(seconds(129), false));
  const Health& health = judge(seconds(130), false);
  EXPECT_FALSE(health.works);
  EXPECT_EQ(health.cause, "BGP is not established: no route to host fe80::1");
  EXPECT_EQ(health.since, kWall + seconds(130));
  EXPECT_TRUE(health.is_certain);
}

TEST_F(HealthTest, AFailureThatEndsInTimeIsNoNews) {
  judge(seconds(0), true);
  judge(seconds(10), false);
  judge(seconds(100), true);
  EXPECT_FALSE(is_a_problem(seconds(110), false));
  EXPECT_FALSE(is_a_problem(seconds(229), false));
  EXPECT_TRUE(is_a_problem(seconds(230), false));
}

TEST_F(HealthTest, AProblemIsOverAfterItHasWorkedForAWhile) {
  judge(seconds(0), false);
  EXPECT_TRUE(is_a_problem(seconds(120), false));
  EXPECT_TRUE(is_a_problem(seconds(130), true));
  EXPECT_TRUE(is_a_problem(seconds(135), false));
  EXPECT_TRUE(is_a_problem(seconds(140), true));
  EXPECT_FALSE(is_a_problem(seconds(150), true));
  EXPECT_EQ(table_[0].cause, "");
}

TEST_F(HealthTest, AnotherCauseIsToldOnceItHolds) {
  judge(seconds(0), false);
  judge(seconds(120), false);
  error_ = "Received: Administrative shutdown";
  EXPECT_EQ(judge(seconds(130), false).cause, "BGP is not established: no route to host fe80::1");
  EXPECT_EQ(judge(seconds(140), false).cause, "BGP is not established: they shut the session down");
  EXPECT_EQ(table_[0].since, kWall + seconds(120)) << "it is the same failure";
}

TEST_F(HealthTest, ABirdThatDoesNotAnswerIsNoSessionsFault) {
  judge(seconds(0), true);
  for (int at = 10; at < 600; at += 10) EXPECT_TRUE(judge(seconds(at), false, "no such file").works);
  EXPECT_FALSE(is_a_problem(seconds(600), false));
  EXPECT_FALSE(is_a_problem(seconds(719), false)) << "the time before counts for nothing";
  EXPECT_TRUE(is_a_problem(seconds(720), false));
}

TEST_F(HealthTest, WhatMaintenanceShutIsNoProblem) {
  judge(seconds(0), true);
  shut_ = {"dn42_1"};
  for (int at = 10; at < 600; at += 10) EXPECT_FALSE(is_a_problem(seconds(at), false));
  shut_ = {};
  EXPECT_FALSE(is_a_problem(seconds(600), false)) << "it has its time to come up again";
  EXPECT_TRUE(is_a_problem(seconds(720), false));
}

TEST_F(HealthTest, IsOfWhatIsInPlaceOnly) {
  sessions_[0].condition = model::Broken{"port in use"};
  judge(seconds(0), false);
  EXPECT_TRUE(table_.empty());
  sessions_[0].condition = model::InPlace{};
  EXPECT_TRUE(judge(seconds(500), false).works);
  EXPECT_TRUE(table_[0].is_certain) << "this agent saw it come, and gives it its time";
  EXPECT_TRUE(is_a_problem(seconds(620), false));
}

TEST_F(HealthTest, OneThatIsQueuedForSetupBeginsAnew) {
  judge(seconds(0), false);
  EXPECT_TRUE(is_a_problem(seconds(120), false));
  sessions_[0].held_status = static_cast<int>(SessionStatus::queued_for_setup);
  EXPECT_FALSE(is_a_problem(seconds(130), false));
  sessions_[0].held_status = static_cast<int>(SessionStatus::enabled);
  EXPECT_FALSE(is_a_problem(seconds(140), false));
  EXPECT_TRUE(is_a_problem(seconds(260), false));
}

TEST_F(HealthTest, AnAgentThatJustStartedKnowsNothing) {
  sessions_[0].held_status = static_cast<int>(SessionStatus::problem);
  EXPECT_FALSE(judge(seconds(0), true).is_certain);
  EXPECT_TRUE(std::holds_alternative<model::Unchanged>(told_condition(sessions_[0], table_)));
  EXPECT_TRUE(std::holds_alternative<model::Unchanged>(told_condition(sessions_[0], {})));
  EXPECT_TRUE(judge(seconds(10), true).is_certain);
  EXPECT_TRUE(std::holds_alternative<model::InPlace>(told_condition(sessions_[0], table_)));
}

TEST_F(HealthTest, WhatIsToldIsThatItDoesNotWork) {
  judge(seconds(0), false);
  EXPECT_TRUE(std::holds_alternative<model::InPlace>(told_condition(sessions_[0], table_)));
  judge(seconds(120), false);
  EXPECT_EQ(told_condition(sessions_[0], table_),
            model::Condition(model::Broken{"BGP is not established: no route to host fe80::1"}));
  sessions_[0].condition = model::Broken{"port in use"};
  EXPECT_EQ(told_condition(sessions_[0], table_), sessions_[0].condition) << "what is not in place says why itself";
}

// Whatever a session does, the verdict changes only to what was seen without a break for as long as it takes.
RC_GTEST_PROP(HealthProperty, AVerdictChangesOnlyToWhatHasLasted, ()) {
  const HealthSettings settings{seconds(*rc::gen::inRange(1, 60)), seconds(*rc::gen::inRange(0, 30))};
  HealthJudge judge(settings);
  const SessionViews sessions{session_view(1)};
  bool shown = true;
  std::optional<SteadyTime> worked_since;  // seen last without a break
  std::optional<SteadyTime> failed_since;
  SteadyTime now = kStart;
  for (const auto& [works, pause] : *rc::gen::container<std::vector<std::pair<bool, int>>>(
           rc::gen::pair(rc::gen::arbitrary<bool>(), rc::gen::inRange(1, 40)))) {
    now += seconds(pause);
    Measurement measurement;
    measurement.steady = now;
    measurement.links = {measured(1, works ? established(1) : not_established(1))};
    if (works) failed_since.reset();
    if (!works) worked_since.reset();
    auto& since = works ? worked_since : failed_since;
    if (!since) since = now;
    const auto table = judge.judge(measurement, sessions, {});
    RC_ASSERT(table.size() == 1u);
    RC_ASSERT(table[0].cause.empty() == table[0].works);
    const bool has_lasted = now - *since >= (works ? settings.ok_after : settings.problem_after);
    if (table[0].works != shown) RC_ASSERT(table[0].works == works && has_lasted);
    if (has_lasted) RC_ASSERT(table[0].works == works);
    shown = table[0].works;
  }
}

}  // namespace
}  // namespace moenet::agent
