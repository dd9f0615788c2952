#include "net/sysctl.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "net/namespaces.h"
#include "support/temporary_folder.h"

namespace moenet::net {
namespace {

TEST(SysctlKey, IsReadAndWrittenAsSysctlDoes) {
  struct Row {
    const char* dotted;
    const char* path;
  };
  for (const auto& [dotted, path] :
       {Row{"net.ipv4.ip_forward", "net/ipv4/ip_forward"},
        Row{"net.ipv4.conf.dn42-wg-igp-3.rp_filter", "net/ipv4/conf/dn42-wg-igp-3/rp_filter"},
        Row{"net.ipv4.conf.eth0/1.rp_filter", "net/ipv4/conf/eth0.1/rp_filter"}}) {
    const auto key = SysctlKey::parse(dotted);
    ASSERT_TRUE(key) << dotted;
    EXPECT_EQ(key->path(), path);
    EXPECT_EQ(key->text(), dotted);
  }
}

TEST(SysctlKey, OfAnInterfaceKeepsItsDots) {
  const auto v4 = SysctlKey::of_interface(IpFamily::v4, "eth0.1", "rp_filter");
  const auto v6 = SysctlKey::of_interface(IpFamily::v6, "all", "forwarding");
  ASSERT_TRUE(v4 && v6);
  EXPECT_EQ(v4->path(), "net/ipv4/conf/eth0.1/rp_filter");
  EXPECT_EQ(v4->text(), "net.ipv4.conf.eth0/1.rp_filter");
  EXPECT_EQ(v6->path(), "net/ipv6/conf/all/forwarding");
}

TEST(SysctlKey, NeverLeadsOutOfItsFolder) {
  for (const std::string text : {"", ".", "net..ipv4", "net.ipv4.", ".net", "net.//.x", "//", "net.ipv4 .x", "net.a\nb",
                                 "kernel.\x80", "net.;rm"}) {
    EXPECT_FALSE(SysctlKey::parse(text)) << text;
  }
  EXPECT_FALSE(SysctlKey::parse(std::string(300, 'a')));
  for (const std::string interface : {"..", ".", "", "a/b", "../../kernel", "eth 0"})
    EXPECT_FALSE(SysctlKey::of_interface(IpFamily::v4, interface, "rp_filter")) << interface;
}

class SysctlFolder : public ::testing::Test {
 protected:
  SysctlFolder() : sysctl_(folder_.path().native()) {
    std::filesystem::create_directories(folder_.path() / "net/ipv4");
  }
  void hold(const std::string& text) const { std::ofstream(folder_ / "net/ipv4/ip_forward") << text; }
  std::string held() const {
    std::ifstream file(folder_ / "net/ipv4/ip_forward");
    return {std::istreambuf_iterator<char>(file), {}};
  }

  const support::TemporaryFolder folder_;
  const Sysctl sysctl_;
  const SysctlKey key_ = SysctlKey::parse("net.ipv4.ip_forward").value();
};

TEST_F(SysctlFolder, ReadsWholeNumbersAndNothingElse) {
  for (const auto& [text, value] : {std::pair{"1\n", 1}, std::pair{"0", 0}, std::pair{"-1\n", -1}}) {
    hold(text);
    EXPECT_EQ(sysctl_.read(key_), value) << text;
  }
  for (const char* text : {"", "\n", "1 2\n", "on\n", "1x\n", "99999999999999999999\n"}) {
    hold(text);
    const auto value = sysctl_.read(key_);
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(value.error().code, Errc::invalid) << text;
  }
}

TEST_F(SysctlFolder, WritesTheWholeValue) {
  hold("1000\n");
  ASSERT_TRUE(sysctl_.write(key_, 1));
  EXPECT_EQ(held(), "1\n");
  EXPECT_EQ(sysctl_.read(key_), 1);
}

TEST_F(SysctlFolder, NeverMakesAFileAndNamesTheKey) {
  const auto read = sysctl_.read(key_);
  const auto written = sysctl_.write(key_, 1);
  ASSERT_FALSE(read || written);
  EXPECT_EQ(read.error().code, Errc::not_found);
  EXPECT_EQ(written.error().code, Errc::not_found);
  EXPECT_NE(written.error().what.find("net.ipv4.ip_forward to 1"), std::string::npos) << written.error().what;
  EXPECT_FALSE(std::filesystem::exists(folder_ / "net/ipv4/ip_forward"));
}

TEST_F(SysctlFolder, FollowsNoSymbolicLinkWhenItWrites) {
  std::ofstream(folder_ / "elsewhere") << "7\n";
  std::filesystem::create_symlink(folder_ / "elsewhere", folder_ / "net/ipv4/ip_forward");
  EXPECT_FALSE(sysctl_.write(key_, 1));
  EXPECT_EQ(held(), "7\n");
}

// The test program has a network namespace of its own (namespaces_test.cpp): nobody else sees the change.
TEST(Sysctl, ChangesTheKernelItself) {
  testing::make_sysctls_writable();
  const Sysctl kernel;
  const auto key = SysctlKey::of_interface(IpFamily::v4, "lo", "rp_filter").value();
  for (const int value : {2, 0}) {
    const auto written = kernel.write(key, value);
    ASSERT_TRUE(written) << written.error().what;
    EXPECT_EQ(kernel.read(key), value);
  }
}

}  // namespace
}  // namespace moenet::net
