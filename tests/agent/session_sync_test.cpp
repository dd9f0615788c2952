#include "agent/session_sync.h"

#include <mutex>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "agent/far_end.h"

namespace moenet::agent {
namespace {

using http::Request;
using http::Response;
using std::chrono::milliseconds;
using std::chrono::seconds;

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
  void await_requests(std::size_t count) {
    for (const auto deadline = Deadline::after(seconds(10)); requests().size() < count && !deadline.passed();)
      std::this_thread::sleep_for(milliseconds(5));
  }
  // The task has the first list and waits at the server for the next one.
  void start_waiting_read() {
    auto first = Response::json(200, std::string(kEmptyList));
    first.headers.set("ETag", "\"1\"");
    answer_with([first](const Request& request) -> http::Answer {
      if (!request.headers.find("Prefer")) return first;
      return std::make_shared<http::Pending>(seconds(30), [] { return Response{304, {}, ""}; });
    });
    start();
    ASSERT_TRUE(await([](const SessionInput& input) { return input.number == 1; }));
    await_requests(2);
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

TEST_F(SessionSyncTest, AStatusThatNobodyExpectedIsAFailureAndNoRejectedData) {
  start();
  ASSERT_TRUE(await([](const SessionInput& input) { return input.number == 1; }));
  for (const int status : {302, 400, 418, 422}) {
    answer_with(Response::text(status, "what?"));
    const auto number = sync_->request();
    const auto input = await([&](const SessionInput& candidate) { return candidate.sync >= number; });
    ASSERT_TRUE(input) << status;
    EXPECT_NE(input->sync_error.find(fmt::format("HTTP {}", status)), std::string::npos) << input->sync_error;
  }
  const auto record = ledger_.records().at(std::string(kSessionSyncTask));
  EXPECT_EQ(record.failures, 4u);
  EXPECT_EQ(record.rejected, 0u);
}

TEST_F(SessionSyncTest, ARequestEndsTheReadThatWaitsAtTheServer) {
  start_waiting_read();
  const auto number = sync_->request();
  EXPECT_TRUE(await([&](const SessionInput& input) { return input.sync >= number; }));
}

TEST_F(SessionSyncTest, StopsAtOnceWhileItWaitsAtTheServer) {
  start_waiting_read();
  const auto begun = steady_now();
  thread_ = std::jthread();
  EXPECT_LT(steady_now() - begun, seconds(5));
}

Response list_of(std::string_view rows, std::string_view etag) {
  auto response =
      Response::json(200, fmt::format(R"({{"code":0,"message":"Success","data":{{"bgpSessions":[{}]}}}})", rows));
  response.headers.set("ETag", etag);
  return response;
}

constexpr std::string_view kFirst = R"({"uuid":"00000000-0000-4000-8000-000000000001","status":3})";
constexpr std::string_view kSecond = R"({"uuid":"00000000-0000-4000-8000-000000000002","status":3})";

// Neither the order of the rows nor a field that nobody reads is a change, whatever ETag comes with it.
TEST_F(SessionSyncTest, AnUnstableETagIsPolledAtTheInterval) {
  answer_with([count = 0](const Request&) mutable -> http::Answer {
    ++count;
    return list_of(fmt::format(R"({},{},{{"uuid":"00000000-0000-4000-8000-000000000003","readAt":{}}})",
                               count % 2 == 0 ? kFirst : kSecond, count % 2 == 0 ? kSecond : kFirst, count),
                   fmt::format("\"{}\"", count));
  });
  start();
  std::this_thread::sleep_for(milliseconds(2500));
  EXPECT_EQ(requests().size(), 2u) << "the first, and the one that shows that this server does not wait";
  EXPECT_EQ(input_.read()->answer->rows.size(), 3u);
}

TEST_F(SessionSyncTest, AServerThatSaysNotModifiedAtOnceIsPolledAtTheInterval) {
  answer_with([](const Request& request) -> http::Answer {
    return request.headers.find("If-None-Match") ? Response{304, {}, ""} : list_of(kFirst, "\"1\"");
  });
  start();
  std::this_thread::sleep_for(milliseconds(2500));
  EXPECT_EQ(requests().size(), 2u);
}

TEST_F(SessionSyncTest, AChangeArrivesAtOnceAndTheNextOneWithinTwoSeconds) {
  answer_with([count = 0](const Request& request) mutable -> http::Answer {
    ++count;
    if (count > 3) return std::make_shared<http::Pending>(seconds(30), [] { return Response{304, {}, ""}; });
    EXPECT_EQ(request.headers.find("Prefer").has_value(), count > 1);
    return list_of(count % 2 == 0 ? kFirst : kSecond, fmt::format("\"{}\"", count));
  });
  const auto begun = steady_now();
  start();
  ASSERT_TRUE(await([](const SessionInput& input) { return input.number == 3; }));
  const auto took = steady_now() - begun;
  EXPECT_GE(took, seconds(2)) << "a second between two reads, always";
  EXPECT_LT(took, seconds(4));
}

// A proxy that gives up on idle requests: whoever asks to wait for longer than 20 s gets 504, at once for the test's
// sake.
TEST_F(SessionSyncTest, AReadThatIsCutWhileItWaitsIsFollowedByShorterOnes) {
  answer_with([](const Request& request) -> http::Answer {
    const auto prefer = request.headers.find("Prefer");
    if (prefer == "wait=50" || prefer == "wait=25") return Response::text(504, "Gateway Timeout");
    if (prefer) return std::make_shared<http::Pending>(seconds(30), [] { return Response{304, {}, ""}; });
    return list_of(kFirst, "\"1\"");
  });
  start();
  await_requests(6);
  std::vector<std::string> waits;
  for (const Request& request : requests()) waits.emplace_back(request.headers.find("Prefer").value_or("none"));
  EXPECT_EQ(waits, (std::vector<std::string>{"none", "wait=50", "none", "wait=25", "none", "wait=12"}));
  EXPECT_EQ(ledger_.records().at(std::string(kSessionSyncTask)).failures, 0u) << "no sync failed";
}

TEST_F(SessionSyncTest, WhereNoReadMayWaitForTenSecondsItPolls) {
  answer_with([](const Request& request) -> http::Answer {
    return request.headers.find("Prefer") ? Response::text(502, "Bad Gateway") : list_of(kFirst, "\"1\"");
  });
  start();
  await_requests(7);
  std::this_thread::sleep_for(milliseconds(1500));
  EXPECT_EQ(requests().size(), 7u) << "50, 25 and 12 s, each between two plain ones, and then the interval";
  EXPECT_EQ(ledger_.records().at(std::string(kSessionSyncTask)).failures, 0u);
}

TEST_F(SessionSyncTest, ACutReadCountsWhenThePlainOneFailsToo) {
  answer_with([](const Request& request) -> http::Answer {
    return request.headers.find("If-None-Match") ? Response::text(503, "x") : list_of(kFirst, "\"1\"");
  });
  start();
  await_requests(3);
  for (const auto deadline = Deadline::after(seconds(10)); !deadline.passed();) {
    if (ledger_.records().at(std::string(kSessionSyncTask)).failures > 0) break;
    std::this_thread::sleep_for(milliseconds(5));
  }
  const auto record = ledger_.records().at(std::string(kSessionSyncTask));
  EXPECT_EQ(record.failures, 1u);
  EXPECT_EQ(record.rejected, 0u);
}

}  // namespace
}  // namespace moenet::agent
