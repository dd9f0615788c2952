#include "agent/node_lock.h"

#include <chrono>
#include <filesystem>
#include <future>
#include <unistd.h>

#include <gtest/gtest.h>

#include "support/temporary_folder.h"

namespace moenet::agent {
namespace {

TEST(NodeLock, IsHeldOnceAndNamesItsHolder) {
  const support::TemporaryFolder folder;
  const auto first = lock_node(folder.path());
  ASSERT_TRUE(first) << first.error().what;
  const auto second = lock_node(folder.path());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::conflict);
  EXPECT_NE(second.error().what.find(std::to_string(::getpid())), std::string::npos) << second.error().what;
}

TEST(NodeLock, IsWaitedForWhileItsHolderEnds) {
  const support::TemporaryFolder folder;
  auto first = lock_node(folder.path());
  ASSERT_TRUE(first);
  auto second = std::async(std::launch::async, [&] { return lock_node(folder.path()); });
  EXPECT_EQ(second.wait_for(std::chrono::milliseconds(200)), std::future_status::timeout) << "it was refused at once";
  first->reset();
  EXPECT_TRUE(second.get());
}

TEST(NodeLock, AFullDiskIsNoObstacle) {
  const support::TemporaryFolder folder;
  std::filesystem::create_symlink("/dev/full", folder / "lock");
  const auto lock = lock_node(folder.path());
  EXPECT_TRUE(lock) << lock.error().what;
}

TEST(NodeLock, HolderIsFoundWithoutTakingIt) {
  const support::TemporaryFolder folder;
  EXPECT_FALSE(lock_holder(folder.path()).value()) << "no file yet";
  {
    const auto lock = lock_node(folder.path());
    ASSERT_TRUE(lock);
    EXPECT_EQ(lock_holder(folder.path()).value(), ::getpid());
  }
  EXPECT_FALSE(lock_holder(folder.path()).value()) << "the file stays, the lock is free";
}

TEST(NodeLock, HolderIsTheOneOfThisFileThatIsNotOnlyWaiting) {
  constexpr std::string_view kLocks =
      "1: POSIX  ADVISORY  WRITE 70 00:1b:11 0 EOF\n"
      "2: FLOCK  ADVISORY  WRITE 70 00:1b:12 0 EOF\n"
      "2: -> FLOCK  ADVISORY  WRITE 71 00:1b:12 0 EOF\n"
      "3: FLOCK  ADVISORY  WRITE 72 00:1b:112 0 EOF\n";
  EXPECT_EQ(find_lock_holder(kLocks, "00:1b:12", ""), 70) << "a full disk kept the pid out of the file";
  EXPECT_EQ(find_lock_holder(kLocks, "08:01:12", "70"), 70) << "a layered file system";
  struct Row {
    const char* file;
    const char* pid;
  };
  for (const auto& [file, pid] :
       {Row{"00:1b:11", "70"}, Row{"08:01:12", "71"}, Row{"08:01:12", ""}, Row{"00:1b:2", "72"}})
    EXPECT_FALSE(find_lock_holder(kLocks, file, pid)) << file << " " << pid;
}

}  // namespace
}  // namespace moenet::agent
