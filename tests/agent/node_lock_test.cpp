#include "agent/node_lock.h"

#include <filesystem>
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

TEST(NodeLock, AFullDiskIsNoObstacle) {
  const support::TemporaryFolder folder;
  std::filesystem::create_symlink("/dev/full", folder / "lock");
  const auto lock = lock_node(folder.path());
  EXPECT_TRUE(lock) << lock.error().what;
}

}  // namespace
}  // namespace moenet::agent
