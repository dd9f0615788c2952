#include "base/secret.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace moenet {
namespace {

RC_GTEST_PROP(EqualInConstantTime, AgreesWithEquality, (const std::string& a, const std::string& b)) {
  RC_ASSERT(equal_in_constant_time(a, b) == (a == b));
  RC_ASSERT(equal_in_constant_time(a, std::string(a)));
}

TEST(EqualInConstantTime, DiffersByLengthAlone) {
  EXPECT_FALSE(equal_in_constant_time("", "a"));
  EXPECT_FALSE(equal_in_constant_time("a", ""));
  EXPECT_FALSE(equal_in_constant_time("aa", "a"));
  EXPECT_TRUE(equal_in_constant_time("", ""));
}

TEST(Secret, PrintsStarsAndForgetsWhenMoved) {
  Secret first("hunter2");
  EXPECT_EQ(fmt::format("{}", first), "***");
  const Secret second = std::move(first);
  EXPECT_EQ(second.reveal(), "hunter2");
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): this is what is tested
}

}  // namespace
}  // namespace moenet
