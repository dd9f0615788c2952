#include "bird/touched.h"

#include <vector>

#include <gtest/gtest.h>

namespace moenet::bird {
namespace {

using Names = std::set<std::string>;

constexpr std::string_view kBase = "router id 1.1.1.1;\ntemplate bgp peer {\n  local as 1;\n}\n";
constexpr std::string_view kOtherTemplate = "router id 1.1.1.1;\ntemplate bgp peer {\n  local as 2;\n}\n";
constexpr std::string_view kIbgp =
    "template bgp ibgp { multihop; }\nprotocol bgp ibgp_1 from ibgp {\n  neighbor fd00::1;\n}\n"
    "protocol bgp ibgp_2 from ibgp {\n  neighbor fd00::2;\n}\n";

std::optional<Names> touched(std::vector<FileEdit> edits, std::vector<std::string_view> unchanged = {}) {
  return touched_protocols(edits, unchanged);
}

TEST(Touched, AreTheProtocolsOfNewAndRemovedFiles) {
  EXPECT_EQ(touched({{"", kIbgp}}), (Names{"ibgp_1", "ibgp_2"}));
  EXPECT_EQ(touched({{kIbgp, ""}}), (Names{"ibgp_1", "ibgp_2"}));
  EXPECT_EQ(touched({}), Names());
}

TEST(Touched, IsOnlyTheProtocolWhoseTextDiffers) {
  std::string changed(kIbgp);
  changed.replace(changed.find("fd00::2"), 7, "fd00::9");
  EXPECT_EQ(touched({{kIbgp, changed}}), Names{"ibgp_2"});
  const std::string more = std::string(kIbgp) + "protocol bgp ibgp_3 from ibgp { }\n";
  EXPECT_EQ(touched({{kIbgp, more}}), Names{"ibgp_3"});
  EXPECT_EQ(touched({{more, kIbgp}}), Names{"ibgp_3"});
}

TEST(Touched, IsWhatIsBuiltOnAChangedTemplate) {
  EXPECT_EQ(touched({{kBase, kOtherTemplate}},
                    {"protocol bgp a from peer {\n}\n", "protocol bgp b from peers {}\n", "protocol bgp c {}\n"}),
            Names{"a"});
}

TEST(Touched, IsNothingWhenADefinitionOrACommentChanges) {
  const std::string draining = "# a comment\ndefine MOENET_DRAIN = true;\n" + std::string(kBase);
  EXPECT_EQ(touched({{kBase, draining}}, {"protocol bgp a from peer {\n}\n"}), Names());
}

TEST(Touched, IsEverythingWhenTheRouterIdChanges) {
  EXPECT_EQ(touched({{"router id 1.1.1.1;\n", "# x\nrouter id 1.1.1.2;\n"}}), std::nullopt);
}

}  // namespace
}  // namespace moenet::bird
