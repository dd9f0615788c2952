// Users, API tokens and the audit log over real sockets: who may what.
#include "controlplane/service_fixture.h"

namespace moenet::controlplane {
namespace {

namespace json = boost::json;

class PeopleApiTest : public ServiceTest {
 protected:
  http::Response call(const std::string& token, std::string_view method, const std::string& path,
                      const json::value& body = nullptr, HeaderList headers = {}) {
    return request(method, "/api/v1/" + path, token, std::move(headers), body.is_null() ? "" : json::serialize(body));
  }
  http::Response owner(std::string_view method, const std::string& path, const json::value& body = nullptr) {
    return call(testing::kAdminToken, method, path, body);
  }
  // A user of this name and role; an API token of theirs.
  std::string somebody(const std::string& name, const std::string& role) {
    EXPECT_EQ(owner("POST", "users", json::object{{"name", name}, {"role", role}}).status, 201);
    return token_of(owner("POST", "tokens", json::object{{"label", "t"}, {"user", name}}));
  }
  static std::string token_of(const http::Response& added) {
    EXPECT_EQ(added.status, 201) << added.body;
    return std::string(json::parse(added.body).at("token").as_string());
  }
  static std::string id_of(const http::Response& answer) {
    return std::string(json::parse(answer.body).at("id").as_string());
  }
};

TEST_F(PeopleApiTest, TheOwnerManagesUsers) {
  const auto added = owner("POST", "users", json::object{{"asn", 4'242'420'101}});
  EXPECT_EQ(added.status, 201) << added.body;
  EXPECT_EQ(json::parse(added.body).at("name").as_string(), "AS4242420101");
  EXPECT_EQ(json::parse(added.body).at("role").as_string(), "user");
  EXPECT_TRUE(json::parse(added.body).at("lastSeen").is_null());
  EXPECT_EQ(owner("GET", "users/" + id_of(added)).body, added.body);
  EXPECT_EQ(json::parse(owner("GET", "users").body).at("users").as_array().size(), 1u);
  EXPECT_EQ(owner("PATCH", "users/AS4242420101", json::object{{"role", "admin"}}).status, 200);
  EXPECT_EQ(owner("DELETE", "users/AS4242420101").status, 204);
  EXPECT_EQ(owner("GET", "users/AS4242420101").status, 404);
}

TEST_F(PeopleApiTest, BodiesNameTheFaultyMember) {
  expect_field(owner("POST", "users", json::object{}), "name");
  for (const char* name : {"", "a b", "owner", "node jp1", "da8c0ad2-d098-4b01-9371-b6f3dd8569d4"})
    expect_field(owner("POST", "users", json::object{{"name", name}}), "name");
  expect_field(owner("POST", "users", json::object{{"name", std::string(65, 'x')}}), "name");
  expect_field(owner("POST", "users", json::object{{"asn", 0}}), "asn");
  expect_field(owner("POST", "users", json::object{{"name", "a"}, {"role", "king"}}), "role");
  expect_field(owner("POST", "users", json::object{{"name", "a"}, {"colour", 1}}), "colour");
  EXPECT_EQ(owner("POST", "users", json::object{{"name", "a"}}).status, 201);
  expect_field(owner("POST", "users", json::object{{"name", "a"}}), "name");
  expect_field(owner("PATCH", "users/a", json::object{{"name", "b"}}), "name");
  expect_field(owner("PATCH", "users/a", json::object{{"disabled", "yes"}}), "disabled");
  expect_field(owner("POST", "tokens", json::object{{"label", ""}}), "label");
  expect_field(owner("POST", "tokens", json::object{{"label", "x"}, {"user", "nobody"}}), "user");
  expect_field(owner("POST", "tokens", json::object{{"label", "x"}, {"expiresIn", -1}}), "expiresIn");
  expect_field(owner("POST", "tokens", json::object{{"label", "x"}, {"user", "a"}, {"role", "admin"}}), "role", 403);
  expect_field(owner("GET", "users?limit=0"), "limit");
  expect_field(owner("GET", "users?limit=501"), "limit");
  expect_field(owner("GET", "audit?since=x"), "since");
  expect_field(owner("GET", "audit?after=x"), "after");
}

TEST_F(PeopleApiTest, AnAdminManagesThoseWithoutRightsOnly) {
  const std::string admin = somebody("alice", "admin");
  EXPECT_EQ(call(admin, "POST", "users", json::object{{"name", "peer"}}).status, 201);
  EXPECT_EQ(call(admin, "POST", "users", json::object{{"name", "mate"}, {"role", "admin"}}).status, 403);
  EXPECT_EQ(call(admin, "PATCH", "users/peer", json::object{{"role", "admin"}}).status, 403) << "nor raise";
  EXPECT_EQ(call(admin, "PATCH", "users/peer", json::object{{"disabled", true}}).status, 200);
  EXPECT_EQ(call(admin, "PATCH", "users/alice", json::object{{"role", "owner"}}).status, 403) << "not themselves";
  EXPECT_EQ(owner("POST", "users", json::object{{"name", "bob"}, {"role", "admin"}}).status, 201);
  EXPECT_EQ(call(admin, "PATCH", "users/bob", json::object{{"role", "user"}}).status, 403);
  EXPECT_EQ(call(admin, "DELETE", "users/bob").status, 403);
  EXPECT_EQ(call(admin, "DELETE", "users/peer").status, 204);
  EXPECT_EQ(call(admin, "GET", "audit").status, 200);
  EXPECT_EQ(call(admin, "GET", "admin/nodes").status, 200);
  EXPECT_EQ(call(admin, "PATCH", "admin/settings", json::object{{"asn", 4'242'421'111}}).status, 200);
}

TEST_F(PeopleApiTest, AUserMayNothingOfThat) {
  const std::string user = somebody("peer", "user");
  EXPECT_EQ(call(user, "GET", "auth/me").status, 200);
  for (const char* path : {"users", "users/peer", "audit", "admin/nodes", "admin/sessions", "admin/settings"})
    EXPECT_EQ(call(user, "GET", path).status, 403) << path;
  EXPECT_EQ(call("nonsense", "GET", "auth/me").status, 401);
  EXPECT_EQ(call("token-of-jp1", "GET", "auth/me").status, 401) << "nodes are no people";
}

TEST_F(PeopleApiTest, TokensAreOnesOwn) {
  const std::string alice = somebody("alice", "admin");
  somebody("bob", "admin");
  const auto count = [&](const std::string& token) {
    return json::parse(call(token, "GET", "tokens").body).at("tokens").as_array().size();
  };
  EXPECT_EQ(count(testing::kAdminToken), 2u);
  EXPECT_EQ(count(alice), 1u);
  EXPECT_EQ(call(alice, "POST", "tokens", json::object{{"label", "more"}}).status, 403) << "a token makes none";
  std::string of_bob;
  const auto listed = json::parse(owner("GET", "tokens").body);
  for (const json::value& token : listed.at("tokens").as_array()) {
    EXPECT_FALSE(token.as_object().contains("token"));
    if (token.at("user").as_string() == "bob") of_bob = std::string(token.at("id").as_string());
  }
  EXPECT_EQ(call(alice, "DELETE", "tokens/" + of_bob).status, 404);
  EXPECT_EQ(owner("DELETE", "tokens/" + of_bob).status, 204);
  EXPECT_EQ(owner("DELETE", "tokens/" + of_bob).status, 404);
}

TEST_F(PeopleApiTest, ATokenOfTheOwnersIsRevokedAtOnce) {
  const auto added = owner("POST", "tokens", json::object{{"label", "ci"}, {"role", "admin"}, {"expiresIn", 0}});
  const std::string token = token_of(added);
  EXPECT_TRUE(json::parse(added.body).at("expiresAt").is_null());
  EXPECT_EQ(json::parse(call(token, "GET", "auth/me").body).at("name").as_string(), "token ci");
  EXPECT_EQ(call(token, "GET", "admin/nodes").status, 200);
  EXPECT_EQ(owner("DELETE", "tokens/" + id_of(added)).status, 204);
  EXPECT_EQ(call(token, "GET", "admin/nodes").status, 403);
  EXPECT_EQ(call(token, "GET", "auth/me").status, 401);
}

TEST_F(PeopleApiTest, ListsComeInParts) {
  for (const char* name : {"a", "b", "c"}) owner("POST", "users", json::object{{"name", name}});
  std::string seen;
  std::string path = "users?limit=2";
  for (int parts = 1;; ++parts) {
    const auto part = json::parse(owner("GET", path).body);
    for (const json::value& user : part.at("users").as_array()) seen += user.at("name").as_string();
    if (part.at("next").is_null()) {
      EXPECT_EQ(parts, 2);
      break;
    }
    path = "users?limit=2&after=" + std::string(part.at("next").as_string());
  }
  EXPECT_EQ(seen, "abc");
}

TEST_F(PeopleApiTest, ReadsHaveTagsAndChangesHonourThem) {
  owner("POST", "users", json::object{{"name", "a"}});
  for (const char* path : {"users", "users/a", "tokens", "audit"}) {
    const std::string tag(owner("GET", path).headers.find("ETag").value_or(""));
    EXPECT_EQ(call(testing::kAdminToken, "GET", path, nullptr, {{"If-None-Match", tag}}).status, 304) << path;
  }
  const std::string tag(owner("GET", "users/a").headers.find("ETag").value_or(""));
  const json::value disable = json::object{{"disabled", true}};
  const auto with_tag = [&](std::string_view method, const std::string& etag, const json::value& body) {
    return call(testing::kAdminToken, method, "users/a", body, {{"If-Match", etag}}).status;
  };
  EXPECT_EQ(with_tag("PATCH", tag, disable), 200);
  EXPECT_EQ(with_tag("PATCH", tag, disable), 412);
  EXPECT_EQ(with_tag("DELETE", tag, nullptr), 412);
  EXPECT_EQ(with_tag("DELETE", std::string(owner("GET", "users/a").headers.find("ETag").value_or("")), nullptr), 204);
}

TEST_F(PeopleApiTest, TheAuditLogTellsAll) {
  const std::string alice = somebody("alice", "admin");
  call(alice, "POST", "admin/nodes", json::object{{"name", "sg1"}, {"region", "AS-SE"}});
  json::object body = draft();
  body["presharedKey"] = kKey;
  const std::string uuid = add(body);
  admin("POST", "sessions/" + uuid + "/approve");
  modify(uuid, 2);
  const auto log = json::parse(owner("GET", "audit?limit=2").body);
  const auto& moved = log.at("entries").at(0);
  EXPECT_EQ(moved.at("who").as_string(), "node jp1");
  EXPECT_EQ(moved.at("object").as_string(), "session " + uuid);
  EXPECT_EQ(moved.at("before").at("status").as_string(), "QUEUED_FOR_SETUP");
  EXPECT_EQ(moved.at("after").at("status").as_string(), "ENABLED");
  EXPECT_EQ(moved.at("address").as_string(), "127.0.0.1");
  EXPECT_EQ(log.at("entries").at(1).at("who").as_string(), "owner");
  const auto of_session = json::parse(owner("GET", "audit?object=session%20" + uuid).body).at("entries").as_array();
  EXPECT_EQ(of_session.size(), 3u);
  const auto by_alice = json::parse(owner("GET", "audit?who=alice%20(token%20t)").body).at("entries").as_array();
  ASSERT_EQ(by_alice.size(), 1u);
  EXPECT_EQ(by_alice[0].at("action").as_string(), "node.add");
  const std::string next(log.at("next").as_string());
  const auto more = json::parse(owner("GET", "audit?limit=2&after=" + next).body);
  EXPECT_EQ(more.at("entries").at(0).at("seq").as_int64(), log.at("entries").at(1).at("seq").as_int64() - 1);
  EXPECT_EQ(owner("GET", "audit?limit=500").body.find(kKey), owner("GET", "audit?limit=500").body.rfind(kKey))
      << "once, as the public key";
}

}  // namespace
}  // namespace moenet::controlplane
