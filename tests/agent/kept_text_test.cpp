#include "agent/kept_text.h"

#include <gtest/gtest.h>

namespace moenet::agent {
namespace {

using std::chrono::milliseconds;

TEST(KeptText, IsMadeAQuarterOfTheTimeAtMost) {
  SteadyTime now{std::chrono::hours(1)};
  int made = 0;
  KeptText text(
      [&] {
        now += milliseconds(10);
        return std::to_string(++made);
      },
      [&] { return now; });
  EXPECT_EQ(text.read(), "1");
  now += milliseconds(29);
  EXPECT_EQ(text.read(), "1");
  now += milliseconds(1);
  EXPECT_EQ(text.read(), "2");
}

TEST(KeptText, IsMadeAnewEachTimeWhereThatCostsNothing) {
  int made = 0;
  KeptText text([&] { return std::to_string(++made); }, [] { return SteadyTime(std::chrono::hours(1)); });
  EXPECT_EQ(text.read(), "1");
  EXPECT_EQ(text.read(), "2");
}

}  // namespace
}  // namespace moenet::agent
