#include "agent/kernel_settings.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "net/namespaces.h"
#include "support/temporary_folder.h"

namespace moenet::agent {
namespace {

class Kernel : public testing::Test {
 protected:
  // A router as it should be.
  Kernel() : sysctl_(folder_.path().native()) {
    hold("net/ipv4/ip_forward", "1");
    hold("net/ipv6/conf/all/forwarding", "1");
    hold("net/ipv6/conf/default/forwarding", "1");
    hold("net/ipv4/conf/all/rp_filter", "0");
    hold("net/ipv4/conf/default/rp_filter", "0");
  }

  void hold(const std::string& path, const std::string& value) const {
    std::filesystem::create_directories((folder_.path() / path).parent_path());
    std::ofstream(folder_ / path) << value << "\n";
  }
  std::string held(const std::string& path) const {
    std::ifstream file(folder_ / path);
    std::string value;
    file >> value;
    return value;
  }
  void add_link(const std::string& name, const std::string& rp_filter, const std::string& accept_local = "0") const {
    hold("net/ipv4/conf/" + name + "/rp_filter", rp_filter);
    hold("net/ipv4/conf/" + name + "/accept_local", accept_local);
  }

  // "key is -> wanted" of those that do not hold.
  std::vector<std::string> wrong(const KernelSettings& config, const std::vector<std::string>& interfaces) const {
    std::vector<std::string> texts;
    for (const auto& setting : check_kernel_settings(sysctl_, config, interfaces)) {
      if (setting.holds()) continue;
      EXPECT_FALSE(setting.why.empty());
      texts.push_back(setting.key.text() + " " + (setting.is ? std::to_string(*setting.is) : "-") + " -> " +
                      std::to_string(setting.wanted));
    }
    return texts;
  }

  const support::TemporaryFolder folder_;
  const net::Sysctl sysctl_;
};

using Texts = std::vector<std::string>;

TEST_F(Kernel, OfARouterHolds) {
  add_link("dn42_1", "0");
  EXPECT_EQ(wrong({}, {"dn42_1"}), Texts{});
}

TEST_F(Kernel, EachSettingIsJudged) {
  struct Row {
    const char* path;
    const char* value;
    const char* text;
  };
  for (const auto& [path, value, text] :
       {Row{"net/ipv4/ip_forward", "0", "net.ipv4.ip_forward 0 -> 1"},
        Row{"net/ipv6/conf/all/forwarding", "0", "net.ipv6.conf.all.forwarding 0 -> 1"},
        Row{"net/ipv6/conf/default/forwarding", "0", "net.ipv6.conf.default.forwarding 0 -> 1"},
        Row{"net/ipv4/conf/all/rp_filter", "2", "net.ipv4.conf.all.rp_filter 2 -> 0"},
        Row{"net/ipv4/conf/default/rp_filter", "1", "net.ipv4.conf.default.rp_filter 1 -> 0"},
        Row{"net/ipv4/conf/dn42_1/rp_filter", "2", "net.ipv4.conf.dn42_1.rp_filter 2 -> 0"}}) {
    const std::string before = held(path);
    hold(path, value);
    EXPECT_EQ(wrong({}, {"dn42_1"}), Texts{text});
    before.empty() ? void(std::filesystem::remove_all(folder_.path() / "net/ipv4/conf/dn42_1")) : hold(path, before);
  }
}

TEST_F(Kernel, AcceptLocalIsWantedOfTunnelsOfANodeThatSharesAnAddress) {
  add_link("dn42_1", "0");
  add_link("eth0", "2");
  EXPECT_EQ(wrong({false, true}, {"dn42_1"}), Texts{"net.ipv4.conf.dn42_1.accept_local 0 -> 1"});
}

TEST_F(Kernel, ALinkThatIsGoneIsNoFaultAndAKernelWithoutIpv6Is) {
  EXPECT_EQ(wrong({}, {"gone"}), Texts{});
  std::filesystem::remove_all(folder_.path() / "net/ipv6");
  EXPECT_EQ(wrong({}, {}), (Texts{"net.ipv6.conf.all.forwarding - -> 1", "net.ipv6.conf.default.forwarding - -> 1"}));
}

TEST_F(Kernel, ApplyWritesWhatDiffersAndNothingElse) {
  hold("net/ipv4/conf/all/rp_filter", "2");
  const auto untouched = std::filesystem::path(folder_ / "net/ipv4/ip_forward");
  const auto long_ago = std::filesystem::file_time_type::clock::now() - std::chrono::hours(1);
  std::filesystem::last_write_time(untouched, long_ago);
  const auto applied = apply_kernel_settings(sysctl_, check_kernel_settings(sysctl_, {}, {}));
  ASSERT_EQ(applied.changed.size(), 1u);
  EXPECT_EQ(applied.changed[0].key.text(), "net.ipv4.conf.all.rp_filter");
  EXPECT_EQ(applied.changed[0].is, 2);
  EXPECT_TRUE(applied.failed.empty());
  EXPECT_EQ(held("net/ipv4/conf/all/rp_filter"), "0");
  EXPECT_EQ(std::filesystem::last_write_time(untouched), long_ago);
}

TEST_F(Kernel, AFailedWriteNamesItsKeyAndTheOthersGoOn) {
  hold("net/ipv4/ip_forward", "0");
  hold("net/ipv4/conf/all/rp_filter", "2");
  const auto settings = check_kernel_settings(sysctl_, {}, {});
  std::filesystem::remove(folder_ / "net/ipv4/ip_forward");
  const auto applied = apply_kernel_settings(sysctl_, settings);
  ASSERT_EQ(applied.failed.size(), 1u);
  EXPECT_NE(applied.failed[0].what.find("net.ipv4.ip_forward"), std::string::npos) << applied.failed[0].what;
  EXPECT_EQ(held("net/ipv4/conf/all/rp_filter"), "0");
}

TEST_F(Kernel, WatchLeavesAllAsItIsUnlessItMaySet) {
  add_link("dn42_1", "2");
  KernelWatch watch({}, sysctl_);
  const auto look = watch.look(Texts{"dn42_1"});
  EXPECT_EQ(look.wrong.size(), 1u);
  EXPECT_TRUE(look.applied.changed.empty());
  EXPECT_EQ(held("net/ipv4/conf/dn42_1/rp_filter"), "2");
}

TEST_F(Kernel, WatchSetsEveryNewLinkAtOnceAndFindsLaterChangesInTurn) {
  Texts names;
  for (int i = 0; i < 100; ++i) {
    names.push_back("dn42_" + std::to_string(i));
    add_link(names.back(), "2");
  }
  KernelWatch watch({true, false}, sysctl_);
  EXPECT_EQ(watch.look(names).applied.changed.size(), names.size());
  EXPECT_TRUE(watch.look(names).wrong.empty());
  for (const auto& name : names) hold("net/ipv4/conf/" + name + "/rp_filter", "2");  // as udev does
  std::size_t changed = 0;
  for (int look = 0; look < 4; ++look) changed += watch.look(names).applied.changed.size();
  EXPECT_EQ(changed, names.size()) << "four turns of 32 are enough for 100";
}

TEST_F(Kernel, WatchTakesALinkThatWasMadeAgainAsNew) {
  Texts names;
  for (int i = 0; i < 100; ++i) names.push_back("dn42_" + std::to_string(i));
  for (const auto& name : names) add_link(name, "0");
  KernelWatch watch({true, false}, sysctl_);
  watch.look(names);
  watch.look(Texts{"dn42_0"});
  add_link("dn42_99", "2");
  EXPECT_EQ(watch.look(names).applied.changed.size(), 1u);
}

// In a network namespace of its own, where the kernel itself answers.
TEST(KernelItself, IsPutRightByOneLook) {
  net::testing::Namespaces().run([] {
    net::testing::make_sysctls_writable();
    const net::Sysctl kernel;
    const auto filter = net::SysctlKey::of_interface(IpFamily::v4, "lo", "rp_filter").value();
    const auto spoiled = kernel.write(filter, 2);
    ASSERT_TRUE(spoiled) << spoiled.error().what;
    KernelWatch watch({true, true}, kernel);
    const auto first = watch.look(Texts{"lo"});
    EXPECT_TRUE(first.applied.failed.empty()) << first.applied.failed.front().what;
    EXPECT_EQ(first.applied.changed.size(), first.wrong.size());
    EXPECT_GE(first.wrong.size(), 3u) << "forwarding, lo's rp_filter and its accept_local at least";
    EXPECT_EQ(kernel.read(filter), 0);
    EXPECT_TRUE(watch.look(Texts{"lo"}).wrong.empty());
  });
}

}  // namespace
}  // namespace moenet::agent
