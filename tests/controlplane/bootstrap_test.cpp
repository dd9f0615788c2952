// The line that makes a machine a node, over real sockets.
#include <filesystem>
#include <fstream>

#include "controlplane/service_fixture.h"

namespace moenet::controlplane {
namespace {

namespace json = boost::json;

const std::string kToken(43, 'n');
const std::string kOtherToken(43, 'o');

class BootstrapTest : public ServiceTest {
 protected:
  // Path of a new bootstrap URL of jp1.
  std::string new_path() {
    const auto made = admin("POST", "nodes/jp1/bootstrap", json::object{{"url", "https://cp.example.net/"}});
    if (made.status != 201) throw std::runtime_error(made.body);
    const std::string url(json::parse(made.body).at("url").as_string());
    if (!url.starts_with("https://cp.example.net/bootstrap/")) throw std::runtime_error(url);
    return url.substr(std::string_view("https://cp.example.net").size());
  }
  http::Response get(const std::string& path) { return moenet::testing::exchange(service_->port(), "GET", path); }
  http::Response claim(const std::string& path, const std::string& token) {
    return moenet::testing::exchange(service_->port(), "POST", path, {{"Content-Type", "text/plain"}}, token);
  }
  void offer(const std::string& name, const std::string& bytes) {
    const auto file = folder_.path() / "packages" / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << bytes;
  }
};

TEST_F(BootstrapTest, AMachineClaimsTheNodeOnceAndMayAskAgain) {
  const std::string path = new_path();
  EXPECT_EQ(claim(path, kToken).status, 200);
  EXPECT_EQ(request("GET", "/api/v1/agent/jp1/sessions", kToken).status, 200);
  EXPECT_EQ(agent("GET", "sessions").status, 401) << "the token of before";

  const auto again = claim(path, kToken);
  EXPECT_EQ(again.status, 200) << "the answer may have got lost";
  EXPECT_EQ(again.body, "claimed\n");
  const auto other = claim(path, kOtherToken);
  EXPECT_EQ(other.status, 409);
  EXPECT_TRUE(other.body.starts_with("this bootstrap token is used up")) << other.body;
  EXPECT_EQ(request("GET", "/api/v1/agent/jp1/sessions", kOtherToken).status, 401);
}

TEST_F(BootstrapTest, TheScriptUsesNothingUpAndHoldsNoTokenOfTheNode) {
  const std::string path = new_path();
  for (const char* how : {"", "", "?dry-run=1"}) {
    const auto script = get(path + how);
    ASSERT_EQ(script.status, 200) << script.body;
    EXPECT_EQ(script.headers.find("Content-Type"), "text/x-shellscript");
    EXPECT_EQ(script.headers.find("Cache-Control"), "no-store");
    EXPECT_NE(script.body.find("\nnode='jp1'\n"), std::string::npos);
    EXPECT_NE(script.body.find("\nurl='https://cp.example.net'\n"), std::string::npos);
    EXPECT_NE(script.body.find(*how == '\0' ? "\nis_dry=false\n" : "\nis_dry=true\n"), std::string::npos);
    EXPECT_TRUE(script.body.ends_with("\nbecome_node \"$@\"\n")) << "half of it does nothing";
  }
  EXPECT_EQ(agent("GET", "sessions").status, 200) << "the node's token stays";
  EXPECT_EQ(claim(path, kToken).status, 200);
  EXPECT_EQ(get(path).status, 200) << "its machine may have been cut off, and run the line again";
}

TEST_F(BootstrapTest, ANodesTokenIsOneOf256Bits) {
  const std::string path = new_path();
  for (const std::string& token : {std::string(), std::string(42, 'n'), std::string(44, 'n'),
                                   std::string(42, 'n') + "'", std::string(42, 'n') + "\n"})
    EXPECT_EQ(claim(path, token).status, 400) << token;
  EXPECT_EQ(claim(path, kToken).status, 200);
}

TEST_F(BootstrapTest, OffersTheOperatorsPackagesWithTheirSums) {
  // sha256sum of "new", "trixie"
  const std::string sum = "11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437";
  offer("moenet-agent_0.9.0_amd64.deb", "old");
  offer("moenet-agent_0.10.0_amd64.deb", "new");
  offer("trixie/moenet-agent_0.10.0_amd64.deb", "trixie");
  offer("moenet-agent_1.0'$(reboot)_amd64.deb", "hostile");
  offer("other_1.0_amd64.deb", "other");
  service_.reset();
  ServiceSettings settings;
  settings.listen = {{{IpAddress::v4({127, 0, 0, 1}), 0}}};
  settings.keys.admin_token = Secret(testing::kAdminToken);
  settings.bootstrap.packages = folder_.path() / "packages";
  service_ = must(Service::start(*store_, std::move(settings)));

  const std::string path = new_path();
  const std::string script = get(path).body;
  EXPECT_NE(script.find("packages='trixie amd64 0.10.0 "), std::string::npos) << script.substr(0, 1500);
  EXPECT_NE(script.find("\n- amd64 0.10.0 " + sum + "'\n"), std::string::npos) << script.substr(0, 1500);
  EXPECT_EQ(script.find("reboot"), std::string::npos);

  const auto package = get(path + "/moenet.deb?sha256=" + sum);
  EXPECT_EQ(package.status, 200);
  EXPECT_EQ(package.body, "new");
  EXPECT_EQ(get(path + "/moenet.deb?sha256=" + std::string(64, '0')).status, 404);
  EXPECT_EQ(get("/bootstrap/guess/moenet.deb?sha256=" + sum).status, 404);
}

TEST_F(BootstrapTest, WhatIsNoBootstrapTokenIsAScriptThatFails) {
  for (const auto& [token, status] : {std::pair{"whatever", 404}, std::pair{"a%22%3Breboot", 400}}) {
    const auto answer = get(std::string("/bootstrap/") + token);
    EXPECT_EQ(answer.status, status) << token;
    EXPECT_TRUE(answer.body.ends_with("exit 1\n"));
    EXPECT_EQ(answer.body.find("reboot"), std::string::npos);
    EXPECT_EQ(claim(std::string("/bootstrap/") + token, kToken).status, status);
  }
}

TEST_F(BootstrapTest, ABootstrapLineNeedsAUrlThatIsHarmlessInAShell) {
  for (const char* url : {"", "ftp://a", "https://a b", "https://a'b", "https://a$(b)", "https://", "https://a/?x"})
    expect_field(admin("POST", "nodes/jp1/bootstrap", json::object{{"url", url}}), "url");
  expect_field(admin("POST", "nodes/jp1/bootstrap", json::object{}), "url");
  EXPECT_EQ(admin("POST", "nodes/nowhere/bootstrap", json::object{{"url", "https://a"}}).status, 404);
}

TEST_F(BootstrapTest, AControlPlaneThatKnowsItsUrlNeedsNoneToBeSaid) {
  service_.reset();
  ServiceSettings settings;
  settings.listen = {{{IpAddress::v4({127, 0, 0, 1}), 0}}};
  settings.keys.admin_token = Secret(testing::kAdminToken);
  settings.bootstrap.public_url = "https://known.example.net";
  service_ = must(Service::start(*store_, std::move(settings)));
  const auto made = admin("POST", "nodes/jp1/bootstrap", json::object{});
  EXPECT_EQ(made.status, 201);
  EXPECT_NE(made.body.find("https://known.example.net/bootstrap/"), std::string::npos) << made.body;
}

}  // namespace
}  // namespace moenet::controlplane
