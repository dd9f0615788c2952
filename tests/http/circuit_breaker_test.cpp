#include "http/circuit_breaker.h"

#include <gtest/gtest.h>

namespace moenet::http {
namespace {

using State = CircuitBreaker::State;
using std::chrono::milliseconds;
using std::chrono::seconds;

const SteadyTime kStart{};

void fail_times(CircuitBreaker& breaker, int times, SteadyTime now = kStart) {
  for (int i = 0; i < times; ++i) {
    ASSERT_TRUE(breaker.permits(now));
    breaker.failed(now);
  }
}

TEST(CircuitBreaker, OpensAtTheFifthFailureInARow) {
  CircuitBreaker breaker;
  fail_times(breaker, 4);
  EXPECT_EQ(breaker.state(kStart), State::closed);
  fail_times(breaker, 1);
  EXPECT_EQ(breaker.state(kStart), State::open);
  EXPECT_EQ(breaker.failures_in_a_row(), 5u);
  EXPECT_FALSE(breaker.permits(kStart));
}

TEST(CircuitBreaker, CountsOnlyFailuresInARow) {
  CircuitBreaker breaker;
  fail_times(breaker, 4);
  ASSERT_TRUE(breaker.permits(kStart));
  breaker.succeeded();
  fail_times(breaker, 4);
  EXPECT_EQ(breaker.state(kStart), State::closed);
}

TEST(CircuitBreaker, LetsATrialThroughAfterThirtySeconds) {
  CircuitBreaker breaker;
  fail_times(breaker, 5);
  EXPECT_EQ(breaker.opens_at(), kStart + seconds(30));
  EXPECT_FALSE(breaker.permits(kStart + milliseconds(29'999)));
  EXPECT_EQ(breaker.state(kStart + seconds(30)), State::half_open);
  EXPECT_TRUE(breaker.permits(kStart + seconds(30)));
  EXPECT_FALSE(breaker.permits(kStart + seconds(30))) << "one at a time";
}

TEST(CircuitBreaker, ClosesAfterThreeSuccesses) {
  CircuitBreaker breaker;
  fail_times(breaker, 5);
  const SteadyTime later = kStart + seconds(30);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(breaker.permits(later));
    EXPECT_EQ(breaker.state(later), State::half_open);
    breaker.succeeded();
  }
  EXPECT_EQ(breaker.state(later), State::closed);
  EXPECT_EQ(breaker.failures_in_a_row(), 0u);
  fail_times(breaker, 4, later);
  EXPECT_EQ(breaker.state(later), State::closed);
}

TEST(CircuitBreaker, ReopensAtAnyFailureOfATrialForAnotherThirtySeconds) {
  CircuitBreaker breaker;
  fail_times(breaker, 5);
  const SteadyTime later = kStart + seconds(40);
  ASSERT_TRUE(breaker.permits(later));
  breaker.succeeded();
  ASSERT_TRUE(breaker.permits(later));
  breaker.succeeded();
  fail_times(breaker, 1, later);
  EXPECT_EQ(breaker.opens_at(), later + seconds(30));
  ASSERT_TRUE(breaker.permits(later + seconds(30)));
  breaker.succeeded();
  EXPECT_EQ(breaker.state(later + seconds(30)), State::half_open) << "earlier successes do not count";
}

TEST(CircuitBreaker, LetsTheNextTrialOutWhenOneWasAbandonedOrTakesLong) {
  CircuitBreaker breaker;
  fail_times(breaker, 5);
  const SteadyTime later = kStart + seconds(30);
  ASSERT_TRUE(breaker.permits(later));
  breaker.abandoned();
  ASSERT_TRUE(breaker.permits(later));
  EXPECT_FALSE(breaker.permits(later + milliseconds(1'999)));
  EXPECT_TRUE(breaker.permits(later + seconds(2)));
}

TEST(CircuitBreaker, IgnoresOutcomesFromBeforeItOpened) {
  CircuitBreaker breaker;
  fail_times(breaker, 5);
  breaker.failed(kStart + seconds(20));
  EXPECT_EQ(breaker.opens_at(), kStart + seconds(30));
  breaker.succeeded();
  EXPECT_EQ(breaker.state(kStart + seconds(1)), State::open);
}

}  // namespace
}  // namespace moenet::http
