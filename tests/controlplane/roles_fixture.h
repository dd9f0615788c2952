// A control plane over real sockets with a user and an admin, as the tests of what each role may see it.
#pragma once

#include <string>

#include "controlplane/service_fixture.h"

namespace moenet::controlplane {

namespace json = boost::json;

inline constexpr std::int64_t kOwn = 4'242'420'101;
inline constexpr std::int64_t kOthers = 4'242'420'102;
inline constexpr const char* kOtherKey = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";

class RolesTest : public ServiceTest {
 protected:
  RolesTest() {
    user_ = person(json::object{{"asn", kOwn}}, "AS4242420101");
    admin_ = person(json::object{{"name", "alice"}, {"role", "admin"}}, "alice");
  }
  http::Response call(const std::string& token, std::string_view method, const std::string& path,
                      const json::value& body = nullptr, HeaderList headers = {}) {
    return request(method, "/api/v1/" + path, token, std::move(headers), body.is_null() ? "" : json::serialize(body));
  }
  http::Response user(std::string_view method, const std::string& path, const json::value& body = nullptr,
                      HeaderList headers = {}) {
    return call(user_, method, path, body, std::move(headers));
  }
  // An API token of a new user.
  std::string person(const json::object& body, const std::string& name) {
    EXPECT_EQ(call(testing::kAdminToken, "POST", "users", body).status, 201);
    const auto token = call(testing::kAdminToken, "POST", "tokens", json::object{{"label", "t"}, {"user", name}});
    EXPECT_EQ(token.status, 201) << token.body;
    return std::string(json::parse(token.body).at("token").as_string());
  }
  std::string requested() {
    const auto added = user("POST", "sessions", draft());
    EXPECT_EQ(added.status, 201) << added.body;
    return std::string(json::parse(added.body).at("uuid").as_string());
  }
  std::string of_others() {
    json::object other = draft(kOthers);
    other["publicKey"] = kOtherKey;
    return add(other);
  }
  static std::string status_in(const http::Response& answer) {
    EXPECT_EQ(answer.status, 200) << answer.body;
    return std::string(json::parse(answer.body).at("status").as_string());
  }
  std::string user_;
  std::string admin_;
};

}  // namespace moenet::controlplane
