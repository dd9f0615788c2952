// How a node ends, over real sockets: its agent removes its sessions first, and the node is gone with the last.
#include "controlplane/roles_fixture.h"

namespace moenet::controlplane {
namespace {

class NodeLeavingTest : public RolesTest {
 protected:
  // A session that the node has set up.
  std::string enabled(std::int64_t asn, const char* link_local) {
    json::object body = draft(asn);
    body["ipv6LinkLocal"] = link_local;
    body["approve"] = true;
    const std::string uuid = add(body);
    EXPECT_NE(modify(uuid, 2).find("updated"), std::string::npos);
    return uuid;
  }
  http::Response owner(std::string_view method, const std::string& path, const json::value& body = nullptr,
                       HeaderList headers = {}) {
    return call(testing::kAdminToken, method, path, body, std::move(headers));
  }
  std::string state_of_jp1() {
    const auto answer = owner("GET", "nodes/jp1");
    return answer.status == 200 ? std::string(json::parse(answer.body).at("state").as_string()) : "gone";
  }
};

TEST_F(NodeLeavingTest, IsGoneWhenItsAgentHasRemovedTheLastSession) {
  const std::string first = enabled(kOwn, "fe80::101");
  const std::string second = enabled(kOthers, "fe80::102");
  const std::string waiting = add(draft(4'242'420'103));
  EXPECT_EQ(state_of_jp1(), "active");
  const auto answer = owner("DELETE", "nodes/jp1");
  EXPECT_EQ(answer.status, 202) << answer.body;
  EXPECT_EQ(json::parse(answer.body).at("state").as_string(), "leaving");
  EXPECT_EQ(state_of_jp1(), "leaving");
  EXPECT_EQ(json::parse(user("GET", "nodes/jp1").body).at("state").as_string(), "leaving");
  EXPECT_EQ(owner("GET", "sessions/" + waiting).status, 404) << "nothing of it can be on the node";
  const auto rows = json::parse(agent("GET", "sessions").body).at("data").at("bgpSessions").as_array();
  ASSERT_EQ(rows.size(), 2u);
  for (const json::value& row : rows) EXPECT_EQ(row.at("status").as_int64(), 5) << "QUEUED_FOR_DELETE";

  EXPECT_NE(modify(first, 0).find("deleted"), std::string::npos);
  EXPECT_EQ(state_of_jp1(), "leaving");
  EXPECT_EQ(owner("DELETE", "nodes/jp1").status, 202) << "asking again is harmless";
  EXPECT_NE(modify(second, 0).find("deleted"), std::string::npos);
  EXPECT_EQ(state_of_jp1(), "gone");
  EXPECT_EQ(agent("GET", "sessions").status, 401) << "its token went with it";
  EXPECT_EQ(owner("DELETE", "nodes/jp1").status, 404);
}

TEST_F(NodeLeavingTest, TakesNothingNew) {
  const std::string uuid = enabled(kOthers, "fe80::102");
  EXPECT_EQ(owner("DELETE", "nodes/jp1").status, 202);
  for (const std::string path : {"sessions", "sessions?dry-run=1"}) {
    expect_field(user("POST", path, draft()), "node");
    expect_field(owner("POST", path, draft()), "node");
  }
  EXPECT_EQ(owner("POST", "sessions/" + uuid + "/enable").status, 409);
  expect_field(owner("PATCH", "sessions/" + uuid, json::object{{"mtu", 1'400}}), "status", 409);
}

TEST_F(NodeLeavingTest, ADeadNodeIsForgottenByForce) {
  enabled(kOwn, "fe80::101");
  EXPECT_EQ(owner("DELETE", "nodes/jp1").status, 202);
  EXPECT_EQ(owner("DELETE", "nodes/jp1?force=1").status, 204);
  EXPECT_EQ(state_of_jp1(), "gone");
}

TEST_F(NodeLeavingTest, GoesWithTheRowThatAnOperatorForgetsToo) {
  const std::string uuid = enabled(kOwn, "fe80::101");
  EXPECT_EQ(owner("DELETE", "nodes/jp1").status, 202);
  EXPECT_EQ(owner("DELETE", "sessions/" + uuid + "?force=1").status, 204);
  EXPECT_EQ(state_of_jp1(), "gone");
}

TEST_F(NodeLeavingTest, IsForAdminsAndForTheVersionThatTheySaw) {
  enabled(kOwn, "fe80::101");
  EXPECT_EQ(user("DELETE", "nodes/jp1").status, 403);
  expect_field(owner("DELETE", "nodes/jp1", nullptr, {{"If-Match", "\"99\""}}), "version", 412);
  EXPECT_EQ(state_of_jp1(), "active");
}

}  // namespace
}  // namespace moenet::controlplane
