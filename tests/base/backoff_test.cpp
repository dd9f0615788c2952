#include "base/backoff.h"

#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace moenet {
namespace {

using std::chrono::milliseconds;

TEST(Backoff, DoublesUpToItsCap) {
  const Backoff backoff{milliseconds(1000), milliseconds(30'000)};
  const std::vector<int> expected{1000, 2000, 4000, 8000, 16'000, 30'000, 30'000};
  for (unsigned i = 0; i < expected.size(); ++i) EXPECT_EQ(backoff.ceiling(i), milliseconds(expected[i])) << i;
  EXPECT_EQ(backoff.ceiling(std::numeric_limits<unsigned>::max()), milliseconds(30'000));
}

TEST(Backoff, SpreadsOverTheWholeSpan) {
  const Backoff backoff{milliseconds(1000), milliseconds(30'000)};
  EXPECT_EQ(backoff.delay(1, 0.0), milliseconds(0));
  EXPECT_EQ(backoff.delay(1, 0.5), milliseconds(1000));
  EXPECT_EQ(backoff.delay(1, 1.0), milliseconds(2000));
}

TEST(Backoff, BearsOddSettings) {
  EXPECT_EQ((Backoff{milliseconds(0), milliseconds(10)}).ceiling(9), milliseconds(0));
  EXPECT_EQ((Backoff{milliseconds(50), milliseconds(10)}).ceiling(0), milliseconds(10));
  EXPECT_EQ((Backoff{milliseconds::max(), milliseconds::max()}).ceiling(9), milliseconds::max());
  EXPECT_EQ((Backoff{}).delay(3, std::numeric_limits<double>::quiet_NaN()), milliseconds(0));
  EXPECT_EQ((Backoff{}).delay(0, 7.0), milliseconds(1000));
}

RC_GTEST_PROP(Backoff, NeverWaitsLongerThanItsCap, (unsigned attempt, unsigned fraction)) {
  const Backoff backoff{milliseconds(700), milliseconds(12'345)};
  const auto delay = backoff.delay(attempt, static_cast<double>(fraction) / 4294967295.0);
  RC_ASSERT(delay >= milliseconds(0) && delay <= milliseconds(12'345));
}

TEST(RandomFraction, LiesInTheHalfOpenUnitIntervalAndVaries) {
  const double first = random_fraction();
  bool varies = false;
  for (int i = 0; i < 100; ++i) {
    const double next = random_fraction();
    EXPECT_TRUE(next >= 0.0 && next < 1.0);
    varies = varies || next != first;
  }
  EXPECT_TRUE(varies);
}

}  // namespace
}  // namespace moenet
