#include "base/token_bucket.h"

#include <gtest/gtest.h>

namespace moenet {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(TokenBucket, IsFullAgainAndNeverFuller) {
  TokenBucket bucket(2, 1);
  const SteadyTime now = steady_now();
  for (const SteadyTime at : {now, now + seconds(3600)}) {
    EXPECT_EQ(bucket.take(at), seconds(0));
    EXPECT_EQ(bucket.take(at), seconds(0));
    EXPECT_EQ(bucket.take(at), seconds(1));
  }
  EXPECT_EQ(bucket.take(now), seconds(1)) << "time does not run backwards";
  EXPECT_EQ(bucket.take(now + seconds(3600) + milliseconds(1000)), seconds(0));
}

}  // namespace
}  // namespace moenet
