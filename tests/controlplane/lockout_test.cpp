#include "controlplane/lockout.h"

#include <gtest/gtest.h>

namespace moenet::controlplane {
namespace {

using std::chrono::seconds;

TEST(Lockout, GrowsUpToItsLongestAndIsForgotten) {
  Lockout lockout({2, seconds(10), seconds(60)});
  WallTime now{seconds(1'000)};
  const auto wait = [&] {
    const auto until = lockout.locked_until("a", now);
    return until ? std::chrono::duration_cast<seconds>(*until - now).count() : 0;
  };
  std::vector<long> waits;
  for (int i = 0; i < 40; ++i) {
    lockout.failed("a", now);
    waits.push_back(wait());
    now += seconds(waits.back());
    EXPECT_EQ(wait(), 0) << "it is over";
  }
  EXPECT_EQ(std::vector<long>(waits.begin(), waits.begin() + 7), (std::vector<long>{0, 0, 10, 20, 40, 60, 60}));
  EXPECT_EQ(waits.back(), 60);
  EXPECT_FALSE(lockout.locked_until("b", now)) << "each key for itself";
  now += seconds(120);
  lockout.failed("a", now);
  EXPECT_EQ(wait(), 0) << "forgotten";
}

TEST(Lockout, EndsWithASuccess) {
  Lockout lockout({0, seconds(10), seconds(60)});
  const WallTime now{seconds(1'000)};
  lockout.failed("a", now);
  EXPECT_TRUE(lockout.locked_until("a", now));
  lockout.succeeded("a");
  EXPECT_FALSE(lockout.locked_until("a", now));
}

}  // namespace
}  // namespace moenet::controlplane
