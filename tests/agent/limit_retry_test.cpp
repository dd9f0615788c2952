#include "agent/limit_retry.h"

#include <gtest/gtest.h>

#include "agent/health.h"
#include "agent/measured.h"

namespace moenet::agent {
namespace {

using namespace testing;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const SteadyTime kStart{hours(10)};
const WallTime kWall{hours(24 * 20'000) + minutes(14 * 60 + 5)};  // a day, 14:05 UTC
const model::Owner kOwner = model::owner_of_session(uuid_of(1));

class LimitRetryTest : public ::testing::Test {
 protected:
  // The session as BIRD shows it at kStart + `at`; `blocked` as BIRD 3 lets it be counted.
  LinkMeasurement link(bool is_hit, std::optional<std::uint64_t> blocked = {}) {
    LinkMeasurement link;
    link.owner = kOwner;
    link.asn = 1;
    link.has_link = link.is_up = true;
    link.bgp = established(1);
    link.bgp->channels[0].import_limit = bird::ChannelLimit{2, is_hit, "block"};
    link.bgp->channels[0].import_updates_blocked = blocked;
    link.flaps = flaps_;
    return link;
  }
  void seen(seconds at, bool is_hit, std::optional<std::uint64_t> blocked = {}) {
    Measurement measurement;
    measurement.bgp_read = measurement.steady = kStart + at;
    measurement.links.push_back(link(is_hit, blocked));
    retry_.take(measurement);
  }
  bool is_due(seconds at) { return retry_.due(kStart + at) == std::vector<model::Owner>{kOwner}; }
  void tried(seconds at, bool done = true) { retry_.note_tried(kOwner, done, kStart + at, kWall); }
  std::string cause(bool is_hit, std::optional<std::uint64_t> blocked = {}) {
    return cause_of_failure(link(is_hit, blocked), true, retry_.told(kOwner)).value();
  }

  LimitRetry retry_{seconds(300)};
  std::uint64_t flaps_ = 0;
};

TEST_F(LimitRetryTest, TriesAfterAWhileAndEverMoreRarelyUpToAnHour) {
  seen(seconds(0), false);
  EXPECT_FALSE(retry_.next());
  seen(seconds(60), true);
  EXPECT_FALSE(is_due(seconds(359)));
  EXPECT_TRUE(is_due(seconds(360)));
  EXPECT_EQ(retry_.next(), kStart + seconds(360));
  seconds at(360);
  for (const int wait : {600, 1200, 2400, 3600, 3600}) {
    tried(at);
    seen(at + seconds(10), true);
    EXPECT_FALSE(is_due(at + seconds(wait - 1))) << wait;
    at += seconds(wait);
    EXPECT_TRUE(is_due(at)) << wait;
  }
}

TEST_F(LimitRetryTest, ForgetsOneThatWasNotHitForAnHour) {
  seen(seconds(0), false);
  seen(seconds(10), true);
  tried(seconds(310));
  seen(seconds(320), false);
  EXPECT_FALSE(retry_.next());
  seen(minutes(30), true);
  EXPECT_EQ(retry_.next(), kStart + minutes(40)) << "it is the same story";
  tried(minutes(40));
  seen(minutes(41), false);
  seen(minutes(89), false);
  EXPECT_TRUE(retry_.told(kOwner));
  seen(minutes(90), false);
  EXPECT_FALSE(retry_.told(kOwner));
  seen(minutes(103), true);
  EXPECT_EQ(retry_.next(), kStart + minutes(108));
}

TEST_F(LimitRetryTest, WhatIsFoundHitAtTheStartIsTriedAtOnce) {
  seen(seconds(0), true);
  EXPECT_TRUE(is_due(seconds(0)));
}

TEST_F(LimitRetryTest, AFailedTryIsNotTold) {
  seen(seconds(0), true);
  tried(seconds(1), false);
  EXPECT_FALSE(is_due(seconds(2)));
  EXPECT_EQ(cause(true), "import limit of 2 routes hit (ipv4): more are blocked");
  tried(seconds(601));
  EXPECT_EQ(cause(true), "import limit of 2 routes hit (ipv4): more are blocked; tried again at 14:05 UTC");
  EXPECT_EQ(cause(false), "");
}

// BIRD 3 says "[HIT]" for as long as the session stays up.
TEST_F(LimitRetryTest, OfBird3ALimitIsHitWhileTakingAgainBlocksAgain) {
  seen(seconds(0), false, 0);
  seen(seconds(10), true, 2);
  tried(seconds(310));
  seen(seconds(311), true, 2);
  EXPECT_NE(cause(true, 2), "") << "BIRD may not have taken them yet";
  seen(seconds(320), true, 4);
  EXPECT_NE(cause(true, 4), "");
  EXPECT_TRUE(retry_.next());
  tried(seconds(910));
  seen(seconds(920), true, 4);
  EXPECT_EQ(cause(true, 4), "") << "nothing was blocked";
  EXPECT_FALSE(retry_.next());
  EXPECT_NE(cause(true, 5), "") << "at once, and without waiting for this memory";
  seen(seconds(930), true, 5);
  EXPECT_EQ(retry_.next(), kStart + seconds(930) + minutes(20));
}

TEST_F(LimitRetryTest, OfBird3AHarmlessHitIsKeptLongerThanAnHourAndEndsWithTheSession) {
  seen(seconds(0), true, 2);
  tried(seconds(0));
  seen(seconds(10), true, 2);
  seen(hours(3), true, 2);
  EXPECT_EQ(cause(true, 2), "");
  ++flaps_;
  EXPECT_NE(cause(true, 2), "") << "another session, and two others";
  seen(hours(4), true, 2);
  EXPECT_EQ(retry_.next(), kStart + hours(4) + minutes(5));
}

TEST_F(LimitRetryTest, OfBird3ALimitWithFewerRoutesIsNotHitAndWhatItBlockedIsStillAskedFor) {
  constexpr auto kImport = &bird::ChannelDetail::import_limit;
  const auto is_hit = [&](const LinkMeasurement& link) {
    return is_limit_hit(link, link.bgp->channels[0], kImport, retry_.told(kOwner));
  };
  seen(seconds(0), false, 0);
  seen(seconds(10), true, 2);
  EXPECT_TRUE(is_hit(link(true, 2)));
  LinkMeasurement fewer = link(true, 2);
  fewer.bgp->channels[0].imported = 1;
  EXPECT_FALSE(is_hit(fewer));
  EXPECT_EQ(cause_of_failure(fewer, true, retry_.told(kOwner)).value(),
            "import limit of 2 routes was hit (ipv4): what it blocked was not taken again yet");
  EXPECT_TRUE(is_due(seconds(310)));
  tried(seconds(310));
  seen(seconds(320), true, 2);
  EXPECT_FALSE(is_hit(link(true, 2))) << "as many as it takes, and none was blocked";
  EXPECT_TRUE(is_hit(link(true, 3)));
}

TEST_F(LimitRetryTest, WhatIsNotKnownChangesNothing) {
  seen(seconds(0), false);
  seen(seconds(10), true);
  Measurement measurement;
  measurement.bgp_read = kStart + seconds(20);
  measurement.bird_problem = "away";
  retry_.take(measurement);
  seen(seconds(10), false);  // old
  EXPECT_EQ(retry_.next(), kStart + seconds(310));
  measurement.bird_problem = "";
  retry_.take(measurement);
  EXPECT_FALSE(retry_.next()) << "the session is gone";
}

TEST_F(LimitRetryTest, ALimitThatOnlyWarnsIsNotTried) {
  Measurement measurement;
  measurement.bgp_read = kStart;
  measurement.links.push_back(link(true));
  measurement.links[0].bgp->channels[0].import_limit->action = "warn";
  retry_.take(measurement);
  EXPECT_FALSE(retry_.next());
}

}  // namespace
}  // namespace moenet::agent
