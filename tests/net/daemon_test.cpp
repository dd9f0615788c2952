#include "net/daemon.h"

#include <gtest/gtest.h>

namespace moenet::net {
namespace {

Deadline soon() { return Deadline::after(std::chrono::seconds(10)); }

TEST(Daemon, EachProcessHasItsOwnResult) {
  const auto results = start_daemons("ls", {"/", "/no-such-folder", "/proc"}, soon());
  ASSERT_EQ(results.size(), 3U);
  EXPECT_TRUE(results[0]);
  ASSERT_FALSE(results[1]);
  EXPECT_EQ(results[1].error().code, Errc::unavailable);
  EXPECT_TRUE(results[1].error().what.starts_with("ls /no-such-folder: status 2: ")) << results[1].error().what;
  EXPECT_TRUE(results[2]);
  EXPECT_TRUE(start_daemons("ls", {}, soon()).empty());
}

TEST(Daemon, ReportsTheEndOfStderrOnOneLine) {
  EXPECT_EQ(stderr_tail("first\nsecond\n\n"), "first second");
  EXPECT_EQ(stderr_tail(""), "it said nothing");
  EXPECT_EQ(stderr_tail("a\x1b[31mb\xc3\xa9"), "a [31mb  ");
  EXPECT_EQ(stderr_tail(std::string(1000, 'x') + "end").size(), 300U);
  EXPECT_TRUE(stderr_tail(std::string(1000, 'x') + "end").ends_with("end"));
}

}  // namespace
}  // namespace moenet::net
