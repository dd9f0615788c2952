// A control plane over real sockets on the sample nodes, as the tests of its API see it.
#pragma once

#include <gtest/gtest.h>

#include "controlplane/raw_http.h"
#include "controlplane/seeds.h"
#include "controlplane/service.h"

namespace moenet::controlplane {

using moenet::testing::HeaderList;
using testing::must;

inline constexpr const char* kKey = "uJskkgsWIKjUdj4GVtWL07j7wGWGrSLW5g3jUjtfgmk=";

class ServiceTest : public ::testing::Test {
 protected:
  ServiceTest() : store_(must(SqlStore::open_sqlite(folder_.path() / "moenet.db", [] { return UnixMs{1}; }))) {
    testing::add_sample_nodes(*store_);
    start(std::nullopt);
  }
  void start(std::optional<Secret> shared_key) {
    service_.reset();
    ServiceSettings settings;
    settings.listen = {{{IpAddress::v4({127, 0, 0, 1}), 0}}};
    settings.keys = {Secret(testing::kAdminToken), std::move(shared_key)};
    service_ = must(Service::start(*store_, settings));
  }
  http::Response request(std::string_view method, const std::string& path, const std::string& token,
                         HeaderList headers = {}, const std::string& body = {}) {
    headers.emplace_back("Authorization", "Bearer " + token);
    return moenet::testing::exchange(service_->port(), method, path, headers, body);
  }
  http::Response admin(std::string_view method, const std::string& path, const boost::json::value& body = nullptr,
                       HeaderList headers = {}) {
    return request(method, "/api/v1/admin/" + path, testing::kAdminToken, std::move(headers),
                   body.is_null() ? "" : boost::json::serialize(body));
  }
  http::Response agent(std::string_view method, const std::string& action, const std::string& body = {},
                       HeaderList headers = {}) {
    return request(method, "/api/v1/agent/jp1/" + action, "token-of-jp1", std::move(headers), body);
  }
  static boost::json::object draft(std::int64_t asn = 4'242'420'101) {
    return {{"node", "jp1"},
            {"asn", asn},
            {"publicKey", kKey},
            {"ipv6LinkLocal", "fe80::101"},
            {"mpBgp", true},
            {"extendedNextHop", true},
            {"endpoint", "peer.example.net:20998"}};
  }
  std::string add(const boost::json::object& body) {
    const auto added = admin("POST", "sessions", body);
    EXPECT_EQ(added.status, 201) << added.body;
    return std::string(boost::json::parse(added.body).at("uuid").as_string());
  }
  boost::json::value only_session_of_agent() {
    const auto list = boost::json::parse(agent("GET", "sessions").body).at("data").at("bgpSessions").as_array();
    EXPECT_EQ(list.size(), 1u);
    return list.empty() ? boost::json::value() : list.front();
  }
  std::string modify(const std::string& uuid, int status, const std::string& error = {}) {
    boost::json::object body{{"uuid", uuid}, {"status", status}};
    if (!error.empty()) body["lastError"] = error;
    return agent("POST", "modify", boost::json::serialize(body)).body;
  }
  void expect_field(const http::Response& answer, std::string_view field, int status = 422) {
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_EQ(answer.headers.find("Content-Type"), "application/problem+json");
    const auto body = boost::json::parse(answer.body);
    EXPECT_EQ(body.at("status").as_int64(), status);
    ASSERT_TRUE(body.as_object().contains("field")) << answer.body;
    EXPECT_EQ(std::string_view(body.at("field").as_string()), field) << answer.body;
  }

  support::TemporaryFolder folder_;
  std::unique_ptr<SqlStore> store_;
  std::unique_ptr<Service> service_;
};

}  // namespace moenet::controlplane
