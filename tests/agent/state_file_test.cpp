#include "agent/state_file.h"

#include <fstream>
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "base/file.h"
#include "support/temporary_folder.h"

namespace moenet::agent {
namespace {

const StateIdentity kNode{"jp1", "https://cp.example"};

class StateFileTest : public testing::Test {
 protected:
  std::string file() const { return folder_ / "state/sessions.state"; }
  StateFile open(const StateIdentity& identity = kNode) const { return {folder_ / "state", "sessions", identity}; }

  support::TemporaryFolder folder_;
};

TEST_F(StateFileTest, GivesBackWhatWasSaved) {
  ASSERT_TRUE(open().save("{\"code\":0}\n\n"));
  EXPECT_EQ(open().load(), "{\"code\":0}\n\n");
}

TEST_F(StateFileTest, IsReadableByItsOwnerOnly) {
  ASSERT_TRUE(open().save("secret"));
  struct stat status{};
  ASSERT_EQ(::stat(file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
}

TEST_F(StateFileTest, EqualContentIsNotWrittenAgain) {
  auto state = open();
  ASSERT_TRUE(state.save("same"));
  struct stat before{}, after{};
  ::stat(file().c_str(), &before);
  ASSERT_TRUE(state.save("same"));
  auto reopened = open();
  ASSERT_TRUE(reopened.load());
  ASSERT_TRUE(reopened.save("same"));
  ::stat(file().c_str(), &after);
  EXPECT_EQ(before.st_ino, after.st_ino);
  EXPECT_EQ(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
}

TEST_F(StateFileTest, TornFileIsSetAsideAndNamed) {
  ASSERT_TRUE(open().save("a long enough body"));
  auto bytes = read_file(file(), 1000).value();
  std::ofstream(file(), std::ios::trunc) << bytes.substr(0, bytes.size() - 3);
  EXPECT_EQ(open().read().error().code, Errc::invalid);
  EXPECT_TRUE(read_file(file(), 1000)) << "reading changes nothing";
  const auto loaded = open().load();
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, Errc::invalid);
  EXPECT_NE(loaded.error().what.find(file()), std::string::npos);
  EXPECT_TRUE(read_file(file() + ".bad", 1000));
  EXPECT_EQ(open().load().error().code, Errc::not_found);
}

TEST_F(StateFileTest, AnotherNodesStateIsNotLoaded) {
  ASSERT_TRUE(open().save("body"));
  EXPECT_EQ(open({"jp2", kNode.control_plane_url}).load().error().code, Errc::not_found);
  EXPECT_EQ(open({"jp1", "https://other"}).load().error().code, Errc::not_found);
}

}  // namespace
}  // namespace moenet::agent
