#include "agent/local_api.h"

#include <fmt/format.h>
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
    server_ = serve_local_api(
                  {settings, [] { return "{}"; }, [](const NodeReport&) { return http::Response::json(200, "{}"); },
                   [this](bool) { return ++syncs_; }, waiters_, [] { return R"({"state":"off"})"; },
                   [this](NodeRequest request) {
                     request.answer(outcome_);
                     requests_.push_back(std::move(request.what));
                   },
                   [] { return "moenet_up 1\n"; },
                   [](std::uint64_t since, std::size_t limit) { return fmt::format("[{},{}]", since, limit); },
                   [](std::string_view uuid) -> std::optional<std::string> {
                     return uuid == "known" ? std::optional<std::string>("{}") : std::nullopt;
                   },
                   [this](ToolQuestion question, Tools::Done done) -> std::optional<seconds> {
                     if (tool_wait_) return tool_wait_;
                     questions_.push_back(std::move(question));
                     done(tool_outcome_);
                     return std::nullopt;
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
  std::vector<ToolQuestion> questions_;
  std::optional<seconds> tool_wait_;
  Result<std::string> tool_outcome_{R"({"result":"x"})"};
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

TEST_F(LocalApi, MetricsAreOpenToLoopbackAndTheJournalIsNot) {
  serve("waiting for a reason");
  const auto metrics = send("GET", "/metrics", "", Secret());
  EXPECT_EQ(metrics.status, 200);
  EXPECT_EQ(metrics.body, "moenet_up 1\n");
  EXPECT_EQ(metrics.headers.find("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  for (const char* path : {"/events", "/sessions/known"}) {
    EXPECT_EQ(send("GET", path, "", Secret()).status, 401) << path;
    EXPECT_EQ(ask(path).status, 200) << path << ": also before the node has its configuration";
  }
}

TEST_F(LocalApi, EventsAreAskedForByNumber) {
  serve();
  EXPECT_EQ(ask("/events").body, "[0,100]");
  EXPECT_EQ(ask("/events?since=18446744073709551615&limit=1000").body, "[18446744073709551615,1000]");
  for (const char* query : {"since=-1", "since=", "since=1x", "limit=0", "limit=1001", "since=18446744073709551616"})
    EXPECT_EQ(ask(std::string("/events?") + query).status, 422) << query;
  EXPECT_EQ(ask("/sessions/unknown").status, 404);
}

TEST_F(LocalApi, ToolsAnswerWhoeverHasTheToken) {
  serve();
  for (const Tool tool : kTools) {
    const std::string path = fmt::format("/{}", name_of(tool));
    const auto response = post(path, R"({"target":"172.20.0.53","port":179})");
    EXPECT_EQ(response.status, 200) << path;
    EXPECT_EQ(response.body, R"({"result":"x"})") << path;
    EXPECT_EQ(questions_.back().index(), static_cast<std::size_t>(tool)) << path;
    EXPECT_EQ(send("POST", path, R"({"target":"172.20.0.53","port":179})", Secret("another")).status, 401) << path;
    EXPECT_EQ(ask(path).status, 404) << path << " only takes POST";
  }
  EXPECT_EQ(questions_.size(), std::size(kTools));
}

TEST_F(LocalApi, ToolsTakeNoNonsense) {
  serve();
  for (const char* body : {"", "{}", "[]", R"({"target":""})", R"({"target":"; rm -rf /"})"}) {
    for (const Tool tool : kTools) EXPECT_EQ(post(fmt::format("/{}", name_of(tool)), body).status, 422) << body;
  }
  EXPECT_TRUE(questions_.empty());
}

TEST_F(LocalApi, WhoAsksToolsTooOftenIsToldWhenToComeBack) {
  serve();
  tool_wait_ = seconds(3);
  const auto refused = post("/ping", R"({"target":"172.20.0.53"})");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.headers.find("Retry-After"), "3");
  tool_wait_.reset();
  tool_outcome_ = fail(Errc::timeout, "nobody answers");
  const auto failed = post("/ping", R"({"target":"172.20.0.53"})");
  EXPECT_EQ(failed.status, 504);
  EXPECT_EQ(failed.body, R"({"error":"nobody answers"})");
}

TEST_F(LocalApi, AGuesserIsToldToStopAndTheOperatorBesideItIsNot) {
  serve();
  for (int i = 0; i < 61; ++i) {
    const auto answer = send("GET", "/events", "", Secret("guess"));
    EXPECT_EQ(answer.headers.find("Retry-After").has_value(), answer.status == 429) << i;
    EXPECT_EQ(answer.status, i < 60 ? 401 : 429) << i;
  }
  EXPECT_EQ(ask("/events").status, 200) << "on this machine a token that is right always counts";
}

}  // namespace
}  // namespace moenet::agent
