// The line that makes a machine a node, over real sockets.
#include "controlplane/service_fixture.h"

namespace moenet::controlplane {
namespace {

namespace json = boost::json;

class BootstrapTest : public ServiceTest {};

TEST_F(BootstrapTest, ABootstrapLineMakesANodeOnce) {
  const auto made = admin("POST", "nodes/jp1/bootstrap", json::object{{"url", "https://cp.example.net/"}});
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string url(json::parse(made.body).at("url").as_string());
  const std::string base = "https://cp.example.net";
  ASSERT_TRUE(url.starts_with(base + "/bootstrap/")) << url;
  EXPECT_EQ(agent("GET", "sessions").status, 200) << "until it is used, the node's token stays";

  EXPECT_EQ(moenet::testing::exchange(service_->port(), "HEAD", url.substr(base.size())).status, 404);
  const auto script = moenet::testing::exchange(service_->port(), "GET", url.substr(base.size()));
  ASSERT_EQ(script.status, 200) << script.body;
  EXPECT_EQ(script.headers.find("Content-Type"), "text/x-shellscript");
  EXPECT_EQ(script.headers.find("Cache-Control"), "no-store");
  const std::size_t at = script.body.find("{\"bootstrap\"");
  ASSERT_NE(at, std::string::npos) << script.body;
  const auto config = json::parse(script.body.substr(at, script.body.find('\n', at) - at)).at("bootstrap");
  EXPECT_EQ(std::string_view(config.at("controlPlaneUrl").as_string()), base);
  EXPECT_EQ(std::string_view(config.at("nodeName").as_string()), "jp1");
  EXPECT_EQ(request("GET", "/api/v1/agent/jp1/sessions", std::string(config.at("token").as_string())).status, 200);
  EXPECT_EQ(agent("GET", "sessions").status, 401) << "the token of before";

  const auto again = moenet::testing::exchange(service_->port(), "GET", url.substr(base.size()));
  EXPECT_EQ(again.status, 404);
  EXPECT_TRUE(again.body.ends_with("exit 1\n"));
}

TEST_F(BootstrapTest, WhatIsNoBootstrapTokenIsAScriptThatFails) {
  for (const auto& [token, status] : {std::pair{"whatever", 404}, std::pair{"a%22%3Breboot", 400}}) {
    const auto answer = moenet::testing::exchange(service_->port(), "GET", std::string("/bootstrap/") + token);
    EXPECT_EQ(answer.status, status) << token;
    EXPECT_TRUE(answer.body.ends_with("exit 1\n"));
    EXPECT_EQ(answer.body.find("reboot"), std::string::npos);
  }
}

TEST_F(BootstrapTest, ABootstrapLineNeedsAUrlThatIsHarmlessInAShell) {
  for (const char* url : {"", "ftp://a", "https://a b", "https://a'b", "https://a$(b)", "https://", "https://a/?x"})
    expect_field(admin("POST", "nodes/jp1/bootstrap", json::object{{"url", url}}), "url");
  EXPECT_EQ(admin("POST", "nodes/nowhere/bootstrap", json::object{{"url", "https://a"}}).status, 404);
}

}  // namespace
}  // namespace moenet::controlplane
