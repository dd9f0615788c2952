// What a change of the settings would make of BIRD's policy, over real sockets.
#include "controlplane/policy_preview.h"

#include "controlplane/roles_fixture.h"

namespace moenet::controlplane {
namespace {

class PolicyPreviewTest : public RolesTest {
 protected:
  json::array preview(const json::object& change, const std::string& query = "") {
    const auto answer = call(admin_, "POST", "settings/preview" + query, change);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return json::parse(answer.body).at("nodes").as_array();
  }
};

TEST_F(PolicyPreviewTest, AChangeIsShownAtEachNodeAndNotMade) {
  const auto before = call(admin_, "GET", "settings").body;
  const auto nodes = preview({{"policy", {{"asPathMaxLen", 7}}}});
  ASSERT_EQ(nodes.size(), must(store_->nodes()).size());
  const std::string diff(nodes[0].at("diff").as_string());
  EXPECT_EQ(diff.substr(0, diff.find("@@")), "--- a/20_filters.conf\n+++ b/20_filters.conf\n");
  EXPECT_NE(diff.find("\n-  if bgp_path.len > 5 "), std::string::npos) << diff;
  EXPECT_NE(diff.find("\n+  if bgp_path.len > 7 "), std::string::npos) << diff;
  EXPECT_EQ(call(admin_, "GET", "settings").body, before);
}

TEST_F(PolicyPreviewTest, WhatBirdDoesNotReadChangesNothing) {
  EXPECT_TRUE(preview({{"peering", {{"approval", "automatic"}}}}).empty());
  EXPECT_TRUE(preview({}).empty());
}

TEST_F(PolicyPreviewTest, OneNodeCanBeAskedFor) {
  const auto nodes = preview({{"policy", {{"ebgpImportLimit", 77}}}}, "?node=jp1");
  ASSERT_EQ(nodes.size(), 1u);
  EXPECT_EQ(nodes[0].at("node").as_string(), "jp1");
  EXPECT_EQ(call(admin_, "POST", "settings/preview?node=nowhere", json::object()).status, 404);
}

TEST_F(PolicyPreviewTest, APolicyThatIsTakenAwayTakesItsFilesAlong) {
  const auto nodes = preview({{"policy", nullptr}}, "?node=jp1");
  ASSERT_EQ(nodes.size(), 1u);
  EXPECT_NE(nodes[0].at("diff").as_string().find("--- a/00_base.conf\n+++ /dev/null\n"), std::string::npos);
}

TEST_F(PolicyPreviewTest, RefusesWhatTheChangeItselfWouldBeRefusedFor) {
  for (const auto& [change, field] :
       {std::pair(R"({"policy":{"asPathMaxLen":0}})", "policy.asPathMaxLen"),
        std::pair(R"({"ipv4Prefix":"172.20.0.0/8"})", "ipv4Prefix"), std::pair(R"({"colour":1})", "colour")}) {
    expect_field(call(admin_, "POST", "settings/preview", json::parse(change)), field);
    expect_field(call(admin_, "PATCH", "settings", json::parse(change)), field);
  }
}

TEST_F(PolicyPreviewTest, ThePolicyInForceIsReadable) {
  const auto answer = call(admin_, "GET", "settings/preview?node=jp1");
  const auto files = json::parse(answer.body).at("nodes").as_array().at(0).at("files").as_array();
  ASSERT_GT(files.size(), 4u);
  EXPECT_EQ(files[0].at("name").as_string(), "00_base.conf");
  EXPECT_EQ(call(admin_, "GET", "settings/preview?node=jp1", nullptr,
                 {{"If-None-Match", std::string(*answer.headers.find("ETag"))}})
                .status,
            304);
}

TEST_F(PolicyPreviewTest, IsForAdmins) {
  EXPECT_EQ(user("GET", "settings/preview").status, 403);
  EXPECT_EQ(user("POST", "settings/preview", json::object()).status, 403);
}

}  // namespace
}  // namespace moenet::controlplane
