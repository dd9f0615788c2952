#include "base/program.h"

#include <csignal>
#include <filesystem>
#include <thread>

#include <gtest/gtest.h>

namespace moenet {
namespace {

using std::chrono::seconds;

Result<ProgramEnd> shell(const std::string& script, std::string_view input = {}, std::size_t most = 4096,
                         Deadline deadline = Deadline::after(seconds(20))) {
  return run_program({"sh", "-c", script}, input, most, deadline);
}

TEST(Program, SaysHowItEndedAndWhatItWrote) {
  const auto end = shell("cat; echo unseen >&2; exit 3", "in and out");
  ASSERT_TRUE(end) << end.error().what;
  EXPECT_EQ(end->status, 3);
  EXPECT_EQ(end->output, "in and out");
  EXPECT_EQ(shell("kill -TERM $$")->status, 128 + SIGTERM);
}

TEST(Program, GetsNothingOfOurs) {
  ::setenv("MOENET_TEST_SECRET", "x", 1);
  const auto end = shell("echo ${MOENET_TEST_SECRET-none} $PWD; set -- /proc/$$/fd/*; echo $#");
  ASSERT_TRUE(end);
  EXPECT_TRUE(end->output.starts_with("none /\n")) << end->output;
  const int descriptors = std::stoi(end->output.substr(7));
  EXPECT_LE(descriptors, 4) << "the three, and the folder that the shell looks into";
  ::unsetenv("MOENET_TEST_SECRET");
}

TEST(Program, WordsAreNoShellText) {
  const auto end = run_program({"printf", "%s", "$(id) ; *"}, {}, 4096, Deadline::after(seconds(20)));
  ASSERT_TRUE(end);
  EXPECT_EQ(end->output, "$(id) ; *");
}

TEST(Program, IsKilledWithWhatItStartedWhenTimeIsOver) {
  const auto end = shell("sleep 1000 & echo $!; wait", {}, 4096, Deadline::after(std::chrono::milliseconds(300)));
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, Errc::timeout);
}

TEST(Program, WhatItLeavesBehindIsKilled) {
  const auto end = shell("sleep 1000 >/dev/null & echo $!");
  ASSERT_TRUE(end) << end.error().what;
  const int left = std::stoi(end->output);
  const Deadline deadline = Deadline::after(seconds(20));
  // Whoever adopts orphans takes a moment to wait for it; a zombie is dead enough.
  const auto lives = [&] {
    const auto words = std::filesystem::path("/proc") / std::to_string(left) / "exe";
    std::error_code gone;
    return !std::filesystem::read_symlink(words, gone).empty();
  };
  while (lives() && !deadline.passed()) std::this_thread::yield();
  EXPECT_FALSE(lives());
}

TEST(Program, AFloodIsCutOff) {
  const auto end = shell("yes", {}, 10'000);
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, Errc::invalid);
}

TEST(Program, OneThatClosesItsOutputIsWaitedFor) {
  const auto end = shell("exec >&-; sleep 0.05; exit 4");
  ASSERT_TRUE(end);
  EXPECT_EQ(end->status, 4);
}

TEST(Program, AMissingOneIsSaid) {
  const auto end = run_program({"no-such-program-of-moenet"}, {}, 10, Deadline::after(seconds(20)));
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, Errc::not_found);
}

}  // namespace
}  // namespace moenet
