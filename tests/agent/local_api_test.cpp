#include "agent/local_api.h"

#include <gtest/gtest.h>

#include "http/client.h"

namespace moenet::agent {
namespace {

using std::chrono::seconds;

class LocalApi : public testing::Test {
 protected:
  void serve(std::string no_sync_because = "") {
    ApiSettings settings;
    settings.listen = {IpAddress::v4({127, 0, 0, 1}), 0};
    settings.token = token_;
    server_ = serve_local_api({settings, [] { return "{}"; },
                               [](const NodeReport&) { return http::Response::json(200, "{}"); },
                               [this](bool) { return ++syncs_; }, waiters_, [] { return R"({"state":"off"})"; },
                               [this](NodeRequest request) {
                                 request.answer(outcome_);
                                 requests_.push_back(std::move(request.what));
                               },
                               std::move(no_sync_because)})
                  .value();
  }
  http::Response ask(const std::string& path) { return send("GET", path, "", token_); }
  http::Response post(const std::string& path, const std::string& body) { return send("POST", path, body, token_); }
  http::Response send(const std::string& method, const std::string& path, const std::string& body,
                      const Secret& token) {
    http::Request request;
    request.method = method;
    request.body = body;
    request.target = "http://127.0.0.1:" + std::to_string(server_->port()) + path;
    http::ClientSettings once;
    once.retry.max_retries = 0;
    http::HttpClient client(once);
    return client.send(request, token, seconds(5), Deadline::after(seconds(5)), {}).value();
  }

  Secret token_{"t0k3n"};
  std::uint64_t syncs_ = 0;
  Result<void> outcome_;  // of requests to the node
  std::vector<decltype(NodeRequest::what)> requests_;
  SyncWaiters waiters_;
  std::unique_ptr<http::HttpServer> server_;
};

TEST_F(LocalApi, SyncIsAnsweredWhenItBegan) {
  serve();
  EXPECT_EQ(ask("/sync").status, 202);
  EXPECT_EQ(syncs_, 1u);
}

TEST_F(LocalApi, ANodeThatCannotSyncYetSaysSoAtOnce) {
  serve("waiting for a reason");
  for (const char* path : {"/sync", "/sync?wait=1"}) {
    const auto response = ask(path);
    EXPECT_EQ(response.status, 503) << path;
    EXPECT_EQ(response.body, R"({"error":"waiting for a reason"})") << path;
  }
  EXPECT_EQ(syncs_, 0u);
  EXPECT_EQ(ask("/status").status, 200);
}

TEST_F(LocalApi, RequestsGoToTheNodeAndItsOutcomeComesBack) {
  serve();
  EXPECT_EQ(ask("/maintenance").body, R"({"state":"off"})");
  const auto started = post("/maintenance/start", R"({"timeout_seconds":5,"shutdown":true,"message":"back at 8"})");
  EXPECT_EQ(started.status, 200);
  EXPECT_EQ(started.body, R"({"state":"off"})");
  EXPECT_EQ(post("/maintenance/stop", "").status, 200);
  const auto restarted = post("/restart", R"({"peer_name":"dn42_4242420001","bgp_only":true})");
  EXPECT_EQ(restarted.status, 200);
  EXPECT_EQ(restarted.body, R"({"restarted":"dn42_4242420001","wg":false,"bgp":true})");
  ASSERT_EQ(requests_.size(), 3u);
  EXPECT_EQ(std::get<StartMaintenance>(requests_[0]).options, (MaintenanceOptions{seconds(5), true, "back at 8"}));
  EXPECT_TRUE(std::holds_alternative<StopMaintenance>(requests_[1]));
  EXPECT_EQ(std::get<RestartSession>(requests_[2]).name, "dn42_4242420001");
}

TEST_F(LocalApi, WhatTheNodeCannotDoIsToldByStatusAndWords) {
  serve();
  const std::pair<Errc, int> table[] = {{Errc::not_found, 404},   {Errc::conflict, 409}, {Errc::denied, 403},
                                        {Errc::unavailable, 503}, {Errc::timeout, 504},  {Errc::internal, 500}};
  for (const auto& [code, status] : table) {
    outcome_ = fail(code, "why not");
    const auto response = post("/restart", R"({"peer_name":"dn42_1"})");
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(response.body, R"({"error":"why not"})");
  }
}

TEST_F(LocalApi, NonsenseNeverReachesTheNode) {
  serve();
  for (const char* body : {"", "{}", "[]", "{", R"({"peer_name":"a b"})", R"({"peer_name":"0123456789abcdef"})",
                           R"({"peer_name":"x\" \"y"})", R"({"peer_name":"x","wg_only":true,"bgp_only":true})",
                           R"({"peer_name":"x","wg_only":"perhaps"})"}) {
    EXPECT_EQ(post("/restart", body).status, 422) << body;
  }
  for (const char* body : {"[]", "{", R"({"timeout_seconds":-1})", R"({"message":"a\nb"})", R"({"message":"\""})",
                           R"({"shut_down":true})"}) {
    EXPECT_EQ(post("/maintenance/start", body).status, 422) << body;
  }
  for (const char* path : {"/restart", "/maintenance/start", "/maintenance/stop"}) {
    EXPECT_EQ(send("POST", path, "{}", Secret("another")).status, 401) << path;
  }
  EXPECT_EQ(send("GET", "/maintenance", "", Secret("another")).status, 401);
  EXPECT_TRUE(requests_.empty());
}

}  // namespace
}  // namespace moenet::agent
