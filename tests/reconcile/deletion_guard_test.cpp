#include "reconcile/deletion_guard.h"

#include <gtest/gtest.h>

#include "reconcile/peerings.h"

namespace moenet::reconcile {
namespace {

std::vector<model::SessionId> numbers(unsigned from, unsigned to) {
  std::vector<model::SessionId> all;
  for (unsigned i = from; i <= to; ++i) all.push_back(uuid_of(i));
  return distinct(std::move(all));
}

TEST(DeletionGuard, LetsASmallLossPass) {
  DeletionGuard guard;
  EXPECT_FALSE(guard.judge(numbers(1, 4), {}).holds);              // all, but fewer than 5
  EXPECT_FALSE(guard.judge(numbers(1, 10), numbers(1, 5)).holds);  // 5, but not more than half
  EXPECT_EQ(guard.judge(numbers(1, 10), numbers(1, 5)).vanished, numbers(6, 10));
}

TEST(DeletionGuard, HoldsAMassLossUntilItCameThreeTimes) {
  DeletionGuard guard;
  for (unsigned n = 1; n <= 2; ++n) {
    const auto verdict = guard.judge(numbers(1, 9), numbers(1, 4));
    EXPECT_TRUE(verdict.holds);
    EXPECT_EQ(verdict.seen, n);
    EXPECT_EQ(verdict.needed, 3u);
  }
  EXPECT_FALSE(guard.judge(numbers(1, 9), numbers(1, 4)).holds);
  EXPECT_FALSE(guard.judge(numbers(1, 9), numbers(1, 4)).holds) << "still being removed";
}

TEST(DeletionGuard, CountsAnewWhenOthersVanishOrAllComeBack) {
  DeletionGuard guard;
  EXPECT_TRUE(guard.judge(numbers(1, 10), {}).holds);
  EXPECT_TRUE(guard.judge(numbers(1, 10), {}).holds);
  EXPECT_EQ(guard.judge(numbers(1, 10), numbers(1, 1)).seen, 1u);
  EXPECT_TRUE(guard.judge(numbers(1, 10), numbers(1, 1)).holds);
  EXPECT_EQ(guard.judge(numbers(1, 10), numbers(1, 10)).seen, 0u);
  EXPECT_TRUE(guard.judge(numbers(1, 10), numbers(1, 1)).holds);
}

TEST(DeletionGuard, AnOperatorsWordCountsOnceAndUntilTheRemovalIsDone) {
  DeletionGuard guard;
  EXPECT_TRUE(guard.judge(numbers(1, 10), {}).holds);
  guard.allow_once();
  EXPECT_FALSE(guard.judge(numbers(1, 10), {}).holds);
  EXPECT_FALSE(guard.judge(numbers(4, 10), {}).holds) << "three are gone, seven are under way";
  EXPECT_FALSE(guard.judge({}, {}).holds);
  EXPECT_TRUE(guard.judge(numbers(1, 10), {}).holds);
}

TEST(DeletionGuard, IgnoresListedSessionsThatAreNotConfigured) {
  DeletionGuard guard;
  EXPECT_TRUE(guard.judge({}, numbers(1, 9)).vanished.empty());
}

}  // namespace
}  // namespace moenet::reconcile
