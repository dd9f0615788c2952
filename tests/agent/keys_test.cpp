#include "agent/keys.h"

#include <filesystem>
#include <fstream>
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "base/file.h"
#include "support/temporary_folder.h"

namespace moenet::agent {
namespace {

class Keys : public testing::Test {
 protected:
  void write(std::string_view text, mode_t mode = 0600) {
    std::ofstream(file_) << text;
    ::chmod(file_.c_str(), mode);
  }

  support::TemporaryFolder folder_;
  const std::string file_ = folder_ / "made/private.key";
};

TEST_F(Keys, AnAbsentKeyIsMadeOnlyWhenItMayBe) {
  EXPECT_EQ(load_private_key(file_).error().code, Errc::not_found);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "made"));
  const auto made = load_or_create_private_key(file_);
  ASSERT_TRUE(made) << made.error().what;
  EXPECT_EQ(load_private_key(file_), made);
  EXPECT_EQ(load_or_create_private_key(file_), made);
}

// 32 random bytes (openssl rand -base64 32) are a valid key, but WireGuard stores and shows them clamped.
TEST_F(Keys, AKeyOfAnyBytesIsUsedAsWireGuardShowsIt) {
  std::filesystem::create_directory(folder_ / "made");
  Key::Bytes bytes;
  bytes.fill(0xff);
  const std::string text = Key(bytes).base64() + "\n";
  write(text);
  const auto loaded = load_or_create_private_key(file_);
  ASSERT_TRUE(loaded) << loaded.error().what;
  EXPECT_EQ(loaded->bytes()[0], 0xf8);
  EXPECT_EQ(loaded->bytes()[31], 0x7f);
  EXPECT_EQ(public_key_of(*loaded), public_key_of(Key(bytes))) << "the node stays who it is";
  EXPECT_EQ(read_file(file_, 1000), text) << "the file stays as it is";
}

TEST_F(Keys, AKeyThatOthersMayReadAndOneThatIsNoneAreRefused) {
  std::filesystem::create_directory(folder_ / "made");
  write(generate_private_key().base64(), 0640);
  EXPECT_EQ(load_private_key(file_).error().code, Errc::denied);
  write("no key");
  EXPECT_EQ(load_private_key(file_).error().code, Errc::invalid);
}

}  // namespace
}  // namespace moenet::agent
