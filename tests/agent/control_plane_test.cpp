#include "agent/control_plane.h"

#include <mutex>
#include <thread>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "agent/session_sync.h"
#include "http/server.h"

namespace moenet::agent {
namespace {

using http::Request;
using http::Response;
using std::chrono::seconds;

constexpr std::string_view kEmptyList = R"({"code":0,"message":"Success","data":{"bgpSessions":[]}})";

// A control plane whose answers a test sets; it keeps what it was asked.
class ControlPlaneTest : public testing::Test {
 protected:
  ControlPlaneTest() {
    http::ServerSettings settings;
    settings.listen = {IpAddress::v4({127, 0, 0, 1}), 0};
    auto started = http::HttpServer::start(settings, [this](const Request& request) { return handle(request); });
    if (!started) throw std::runtime_error(started.error().what);
    server_ = std::move(*started);
    ControlPlaneSettings client;
    client.url = "http://127.0.0.1:" + std::to_string(server_->port());
    client.token = Secret("t0k3n");
    client.max_retries = 0;
    client.request_timeout = seconds(5);
    control_plane_ = std::make_unique<ControlPlane>(client, "jp1", "test");
  }

  void answer_with(std::function<http::Answer(const Request&)> handler) {
    const std::lock_guard lock(mutex_);
    handler_ = std::move(handler);
  }
  void answer_with(Response response) {
    answer_with([response](const Request&) -> http::Answer { return response; });
  }
  std::vector<Request> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

  std::unique_ptr<ControlPlane> control_plane_;
  std::stop_token never_;

 private:
  http::Answer handle(const Request& request) {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    return handler_ ? handler_(request) : Response::json(200, std::string(kEmptyList));
  }

  mutable std::mutex mutex_;
  std::function<http::Answer(const Request&)> handler_;
  std::vector<Request> requests_;
  std::unique_ptr<http::HttpServer> server_;
};

TEST_F(ControlPlaneTest, AsksForItsOwnSessionsWithItsToken) {
  const auto fetched = control_plane_->fetch_sessions("", seconds(0), never_);
  ASSERT_TRUE(fetched) << fetched.error().what;
  EXPECT_EQ(fetched->body, kEmptyList);
  ASSERT_EQ(requests().size(), 1u);
  EXPECT_EQ(requests()[0].target, "/api/v1/agent/jp1/sessions");
  EXPECT_EQ(requests()[0].headers.find("Authorization"), "Bearer t0k3n");
  EXPECT_FALSE(requests()[0].headers.find("Prefer"));
}

TEST_F(ControlPlaneTest, AConditionalReadMayWaitAndComesBackUnchanged) {
  Response unchanged{304, {}, ""};
  unchanged.headers.set("ETag", "\"1\"");
  answer_with(unchanged);
  const auto fetched = control_plane_->fetch_sessions("\"1\"", seconds(50), never_);
  ASSERT_TRUE(fetched);
  EXPECT_TRUE(fetched->not_modified);
  EXPECT_EQ(requests()[0].headers.find("If-None-Match"), "\"1\"");
  EXPECT_EQ(requests()[0].headers.find("Prefer"), "wait=50");
}

TEST_F(ControlPlaneTest, StatusTellsTheCallerWhatItMayDo) {
  for (const auto& [status, code] : {std::pair{401, Errc::denied},
                                     {403, Errc::denied},
                                     {404, Errc::not_found},
                                     {422, Errc::invalid},
                                     {429, Errc::unavailable},
                                     {500, Errc::unavailable}}) {
    answer_with(Response::text(status, "x"));
    const auto fetched = control_plane_->fetch_sessions("", seconds(0), never_);
    ASSERT_FALSE(fetched) << status;
    EXPECT_EQ(fetched.error().code, code) << status;
    EXPECT_EQ(fetched.error().what.find("t0k3n"), std::string::npos);
  }
}

TEST_F(ControlPlaneTest, ARepeatedDeletionIsDone) {
  answer_with(Response::json(404, R"({"code":404,"message":"Session not found"})"));
  const Modification deleted{"u", {model::SessionStatus::deleted, ""}};
  const Modification enabled{"u", {model::SessionStatus::enabled, ""}};
  EXPECT_TRUE(control_plane_->modify(std::array{deleted}, never_).at(0));
  EXPECT_EQ(control_plane_->modify(std::array{enabled}, never_).at(0).error().code, Errc::not_found);
}

TEST_F(ControlPlaneTest, BatchesOnlyWhereTheServerOffersIt) {
  const std::array both{Modification{"a", {model::SessionStatus::enabled, ""}},
                        Modification{"b", {model::SessionStatus::problem, "why"}}};
  answer_with(Response::json(200, R"({"code":0,"message":"Success","data":{"updated":true}})"));
  control_plane_->modify(both, never_);
  EXPECT_EQ(requests().size(), 2u);

  auto offer = Response::json(200, std::string(kEmptyList));
  offer.headers.set("X-MoeNet-Features", "batch-modify");
  answer_with(offer);
  ASSERT_TRUE(control_plane_->fetch_sessions("", seconds(0), never_));
  auto batch =
      Response::json(200, R"({"code":0,"message":"Success","data":{"results":[{"uuid":"a","code":0,"message":"Success"},
                                       {"uuid":"b","code":422,"message":"illegal move"}]}})");
  batch.headers.set("X-MoeNet-Features", "batch-modify");
  answer_with(batch);
  const auto outcomes = control_plane_->modify(both, never_);
  ASSERT_EQ(outcomes.size(), 2u);
  EXPECT_TRUE(outcomes[0]);
  EXPECT_EQ(outcomes[1].error().code, Errc::invalid);
  EXPECT_EQ(requests().size(), 4u);
  EXPECT_NE(requests().back().body.find(R"("lastError":"why")"), std::string::npos);
}

// sessionSyncTask on the same far end.
class SessionSyncTest : public ControlPlaneTest {
 protected:
  void start(seconds interval = seconds(60)) {
    sync_ = std::make_unique<SessionSync>(*control_plane_, ledger_, input_, wakeup_, interval);
    thread_ = std::jthread([this](const std::stop_token& stop) { sync_->run(stop); });
  }
  // The next published input for which `is_it` holds; null after 10 s.
  std::shared_ptr<const SessionInput> await(const std::function<bool(const SessionInput&)>& is_it) {
    const auto deadline = Deadline::after(seconds(10));
    for (;;) {
      const auto input = input_.read();
      if (input && is_it(*input)) return input;
      if (deadline.passed()) return nullptr;
      wakeup_.wait(deadline, {});
    }
  }

  TaskLedger ledger_;
  Latest<SessionInput> input_;
  Wakeup wakeup_;
  std::unique_ptr<SessionSync> sync_;
  std::jthread thread_;
};

TEST_F(SessionSyncTest, PollsAServerWithoutETagAndSyncsOnRequest) {
  start();
  ASSERT_TRUE(await([](const SessionInput& input) { return input.number == 1; }));
  const auto number = sync_->request();
  const auto input = await([&](const SessionInput& candidate) { return candidate.sync >= number; });
  ASSERT_TRUE(input);
  EXPECT_EQ(input->sync_error, "");
  EXPECT_EQ(requests().size(), 2u);
}

TEST_F(SessionSyncTest, GarbageIsRejectedWholeAndCounted) {
  start();
  const auto good = await([](const SessionInput& input) { return input.number == 1; });
  ASSERT_TRUE(good);
  std::uint64_t rejected = 0;
  for (const char* garbage :
       {"", "not json", "[]", R"({"code":0})", R"({"code":0,"data":{"bgpSessions":{}}})", "{\"code\":0,\"da"}) {
    answer_with(Response::json(200, garbage));
    const auto number = sync_->request();
    const auto input = await([&](const SessionInput& candidate) { return candidate.sync >= number; });
    ASSERT_TRUE(input) << garbage;
    EXPECT_EQ(input->answer, good->answer) << "the last good state stays";
    EXPECT_NE(input->sync_error, "") << garbage;
    EXPECT_EQ(ledger_.records().at(std::string(kSessionSyncTask)).rejected, ++rejected) << garbage;
  }
}

TEST_F(SessionSyncTest, ARequestEndsTheReadThatWaitsAtTheServer) {
  auto first = Response::json(200, std::string(kEmptyList));
  first.headers.set("ETag", "\"1\"");
  answer_with([first](const Request& request) -> http::Answer {
    if (!request.headers.find("Prefer")) return first;
    return std::make_shared<http::Pending>(seconds(30), [] { return Response{304, {}, ""}; });
  });
  start();
  ASSERT_TRUE(await([](const SessionInput& input) { return input.number == 1; }));
  const auto is_waiting = [&] { return requests().size() >= 2; };
  for (const auto deadline = Deadline::after(seconds(10)); !is_waiting() && !deadline.passed();)
    std::this_thread::yield();
  const auto number = sync_->request();
  EXPECT_TRUE(await([&](const SessionInput& input) { return input.sync >= number; }));
}

TEST_F(SessionSyncTest, StopsAtOnceWhileItWaitsAtTheServer) {
  auto first = Response::json(200, std::string(kEmptyList));
  first.headers.set("ETag", "\"1\"");
  answer_with([first](const Request& request) -> http::Answer {
    if (!request.headers.find("Prefer")) return first;
    return std::make_shared<http::Pending>(seconds(30), [] { return Response{304, {}, ""}; });
  });
  start();
  ASSERT_TRUE(await([](const SessionInput& input) { return input.number == 1; }));
  const auto begun = steady_now();
  thread_ = std::jthread();
  EXPECT_LT(steady_now() - begun, seconds(5));
}

}  // namespace
}  // namespace moenet::agent
