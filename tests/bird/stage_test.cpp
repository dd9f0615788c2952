// What a real BIRD does not show: files of other users.
#include "bird/stage.h"

#include <filesystem>
#include <functional>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "base/file.h"
#include "bird/peer_folder.h"

namespace moenet::bird {
namespace {

constexpr uid_t kNobody = 65534;

uid_t owner_of(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 ? status.st_uid : static_cast<uid_t>(-1);
}

// The system call, for this thread alone: glibc's setuid() is for all.
void as_nobody(const std::function<void()>& work) {
  std::thread([&work] {
    ASSERT_EQ(::syscall(SYS_setresuid, kNobody, kNobody, kNobody), 0);
    work();
  }).join();
}

TEST(Stage, ReplacesAndRestoresAFileThatAnAgentOfRootHasLeft) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root for files of two users";
  const std::string folder = testing::TempDir() + "stage_of_two";
  std::filesystem::remove_all(folder);
  ASSERT_TRUE(make_folder(folder, 0777));
  ASSERT_EQ(::chmod(folder.c_str(), 0777), 0);
  const std::string live = folder + "/dn42_1.conf";
  const std::string old_text = ownership_line("session/1") + "# old\n";
  const model::BirdFile wanted{"dn42_1.conf", "session/1", ownership_line("session/1") + "# new\n"};
  ASSERT_TRUE(atomic_write_file(live, old_text, 0640));  // of root's group, which the thread below has, too
  as_nobody([&] {
    Stage stage(folder);
    ASSERT_TRUE(stage.open(::getgid()));
    ASSERT_TRUE(stage.put(wanted));
    const auto swapped = stage.swap({{wanted.name}, {}});
    ASSERT_TRUE(swapped) << swapped.error().what;
    EXPECT_EQ(read_file(live, 1000).value(), wanted.text);
    EXPECT_EQ(owner_of(live), kNobody);
    ASSERT_TRUE(stage.restore());
    EXPECT_EQ(read_file(live, 1000).value(), old_text);
    EXPECT_TRUE(stage.drop_journal());
  });
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace moenet::bird
