#include "net/isolated.h"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "net/namespaces.h"

namespace moenet::net {
namespace {

using testing::soon;
using Text = Result<std::string>;

void expect_no_child() {
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(Isolated, GivesWhatTheWorkGives) {
  EXPECT_EQ(run_isolated([]() -> Text { return ""; }, soon()).value(), "");
  const std::string long_text(5'000'000, 'x');  // many times what a pipe holds
  EXPECT_EQ(run_isolated([&]() -> Text { return long_text; }, soon()).value(), long_text);
  for (const Errc code : {Errc::invalid, Errc::internal}) {
    EXPECT_EQ(run_isolated([&]() -> Text { return fail(code, "no"); }, soon()).error(), (Error{code, "no"}));
  }
  expect_no_child();
}

TEST(Isolated, ACrashIsAnError) {
  const auto crashed = run_isolated(
      []() -> Text {
        (void)::raise(SIGSEGV);
        return "";
      },
      soon());
  ASSERT_FALSE(crashed);
  EXPECT_EQ(crashed.error(), (Error{Errc::unavailable, "it crashed (signal 11)"}));
  expect_no_child();
}

TEST(Isolated, ExitIsAnErrorAndRunsNothingOfTheParents) {
  auto* const ran =
      static_cast<int*>(::mmap(nullptr, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  static int* shared = ran;
  std::atexit([] { *shared = 1; });
  const auto gave_up =
      run_isolated([]() -> Text { std::exit(0); }, soon());  // NOLINT(concurrency-mt-unsafe): it has one thread
  ASSERT_FALSE(gave_up);
  EXPECT_EQ(gave_up.error(), (Error{Errc::unavailable, "it gave up"}));
  EXPECT_EQ(*ran, 0);
  expect_no_child();
}

TEST(Isolated, OneThatHangsIsKilled) {
  const auto hung = run_isolated(
      []() -> Text {
        for (;;) ::pause();
      },
      Deadline::after(std::chrono::milliseconds(50)));
  ASSERT_FALSE(hung);
  EXPECT_EQ(hung.error().code, Errc::timeout);
  expect_no_child();
}

TEST(Isolated, TheChildHoldsNoDescriptorOfOurs) {
  const UniqueFd low(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const UniqueFd high(::fcntl(low.get(), F_DUPFD_CLOEXEC, 200));
  const auto open_ones = run_isolated(
      []() -> Text {
        std::string names;
        for (int fd = 3; fd < 256; ++fd) {
          if (::fcntl(fd, F_GETFD) >= 0) names += "x";
        }
        return names;
      },
      soon());
  EXPECT_EQ(open_ones.value(), "x") << "the answer's pipe alone";
}

}  // namespace
}  // namespace moenet::net
