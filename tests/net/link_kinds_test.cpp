#include "net/link_kinds.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "support/temporary_folder.h"

namespace moenet::net {
namespace {

class LinkKinds : public testing::Test {
 protected:
  void put(const std::string& path, const std::string& text) const {
    std::filesystem::create_directories((root_.path() / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  KindSupport support(const LinkKind& kind) const { return support_of(kind, "6.1.0", root_.path().native()); }

  const support::TemporaryFolder root_;
};

TEST_F(LinkKinds, LoadedModuleIsPresent) {
  put("sys/module/dummy/refcnt", "0");
  EXPECT_EQ(support(kDummyKind), KindSupport::present);
}

TEST_F(LinkKinds, BuiltInModuleIsPresentAndAModuleFileIsLoadable) {
  put("lib/modules/6.1.0/modules.builtin", "kernel/drivers/net/dummy.ko\n");
  put("lib/modules/6.1.0/modules.dep",
      "kernel/drivers/net/wireguard/wireguard.ko.xz: kernel/net/ipv4/udp_tunnel.ko.xz\nkernel/net/ipv4/ip_gre.ko: "
      "kernel/net/ipv4/gre.ko kernel/net/ipv6/ip6_gre.ko\n");
  EXPECT_EQ(support(kDummyKind), KindSupport::present);
  EXPECT_EQ(support(kWireGuardKind), KindSupport::loadable);
  EXPECT_EQ(support(kGreKind), KindSupport::loadable);
  EXPECT_EQ(support(kIp6GreKind), KindSupport::absent) << "what another needs is not in the list by itself";
}

TEST_F(LinkKinds, AModuleOfASimilarNameIsNone) {
  put("lib/modules/6.1.0/modules.dep", "kernel/x/my_dummy.ko:\nkernel/x/dummy.kot:\nkernel/x/dummy_hcd.ko:\n");
  EXPECT_EQ(support(kDummyKind), KindSupport::absent);
}

TEST_F(LinkKinds, WithoutModuleFolderTheSymbolsTellOrNothingDoes) {
  EXPECT_EQ(support(kDummyKind), KindSupport::unknown);
  put("proc/kallsyms", "0 t my_dummy_setup\n0 t dummy_setup\n0 t wg_newlink_x\n");
  EXPECT_EQ(support(kDummyKind), KindSupport::present);
  EXPECT_EQ(support(kWireGuardKind), KindSupport::unknown);
}

}  // namespace
}  // namespace moenet::net
