#include "base/file.h"

#include <csignal>
#include <filesystem>
#include <set>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace moenet {
namespace {

namespace fs = std::filesystem;

class FileTest : public testing::Test {
 protected:
  FileTest() {
    std::string pattern = (fs::temp_directory_path() / "moenet-file-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~FileTest() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::set<std::string> names() const {
    std::set<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_)) found.insert(entry.path().filename().string());
    return found;
  }
  static unsigned mode_of(const std::string& file) {
    struct stat status{};
    ::stat(file.c_str(), &status);
    return status.st_mode & 07777u;
  }

  fs::path folder_;
};

TEST_F(FileTest, WritesBytesWithTheModeWhateverTheUmask) {
  const mode_t before = ::umask(077);
  const auto written = atomic_write_file(path("a"), std::string_view("x\0y", 3), 0644);
  ::umask(before);
  ASSERT_TRUE(written) << written.error().what;
  EXPECT_EQ(*read_file(path("a"), 3), std::string("x\0y", 3));
  EXPECT_EQ(mode_of(path("a")), 0644u);
}

TEST_F(FileTest, ReplacesContentAndModeAndLeavesNothingElse) {
  ASSERT_TRUE(atomic_write_file(path("a"), "old", 0644));
  ASSERT_TRUE(atomic_write_file(path("a"), "new", 0600));
  EXPECT_EQ(*read_file(path("a"), 100), "new");
  EXPECT_EQ(mode_of(path("a")), 0600u);
  EXPECT_EQ(names(), std::set<std::string>{"a"});
}

TEST_F(FileTest, RemovesWhatAKilledProcessLeft) {
  const auto make = [&](const std::string& name) { ASSERT_TRUE(atomic_write_file(path(name), "x", 0600)); };
  for (const char* name : {"a", ".a.12-0.tmp", ".a.b.12-0.tmp", ".b.7-31.tmp", ".a.tmp", ".a.12.tmp", "a.12-0.tmp"})
    make(name);
  remove_temporaries(folder_, "a");
  EXPECT_EQ(names(), (std::set<std::string>{"a", ".a.b.12-0.tmp", ".b.7-31.tmp", ".a.tmp", ".a.12.tmp", "a.12-0.tmp"}));
  remove_temporaries(folder_);
  EXPECT_EQ(names(), (std::set<std::string>{"a", ".a.tmp", ".a.12.tmp", "a.12-0.tmp"}));
  remove_temporaries(path("missing"));
}

TEST_F(FileTest, ReplacesALinkAndNotItsTarget) {
  ASSERT_TRUE(atomic_write_file(path("target"), "kept", 0600));
  fs::create_symlink("target", path("link"));
  ASSERT_TRUE(atomic_write_file(path("link"), "new", 0600));
  EXPECT_EQ(*read_file(path("target"), 100), "kept");
  EXPECT_FALSE(fs::is_symlink(path("link")));
}

TEST_F(FileTest, LeavesTheOldFileAndNoTemporaryWhenTheRenameFails) {
  fs::create_directory(path("a"));  // a folder cannot be replaced by a file
  EXPECT_FALSE(atomic_write_file(path("a"), "new", 0600));
  EXPECT_EQ(names(), std::set<std::string>{"a"});
}

TEST_F(FileTest, LeavesTheOldFileAndNoTemporaryWhenTheWriteFails) {
  ASSERT_TRUE(atomic_write_file(path("a"), "old", 0600));
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto old_action = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1000, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  const auto written = atomic_write_file(path("a"), std::string(5000, 'x'), 0600);
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_action);
  EXPECT_FALSE(written);
  EXPECT_EQ(*read_file(path("a"), 100), "old");
  EXPECT_EQ(names(), std::set<std::string>{"a"});
}

TEST_F(FileTest, TakesTheLongestFileName) {
  const std::string name(255, 'n');
  ASSERT_TRUE(atomic_write_file(path(name), "x", 0600));
  EXPECT_EQ(names(), std::set<std::string>{name});
}

TEST_F(FileTest, SaysWhatIsWrongWithAPath) {
  EXPECT_EQ(atomic_write_file(path("none/a"), "x", 0600).error().code, Errc::not_found);
  EXPECT_EQ(atomic_write_file(path(""), "x", 0600).error().code, Errc::invalid);
  EXPECT_EQ(read_file(path("none"), 1).error().code, Errc::not_found);
  EXPECT_EQ(read_file(folder_.string(), 1).error().code, Errc::invalid);
}

TEST_F(FileTest, RefusesAFileOverTheLimit) {
  ASSERT_TRUE(atomic_write_file(path("a"), std::string(40'000, 'x'), 0600));
  EXPECT_EQ(read_file(path("a"), 40'000)->size(), 40'000u);
  EXPECT_EQ(read_file(path("a"), 39'999).error().code, Errc::invalid);
}

}  // namespace
}  // namespace moenet
