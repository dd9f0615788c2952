#include "agent/roa_task.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <thread>

#include <gtest/gtest.h>

#include "agent/far_end.h"
#include "support/temporary_folder.h"

namespace moenet::agent {
namespace {

constexpr std::string_view kTwo = "route 172.20.1.0/24 max 24 as 1;\nroute 172.20.2.0/24 max 24 as 2;\n";
constexpr std::string_view kThree =
    "roa fd00:1::/48 max 48 as 1;\nroa fd00:2::/48 max 48 as 2;\nroa fd00:3::/48 max 48 as 3;\n";

http::Response file(std::string_view text, std::string_view etag = "\"1\"") {
  http::Response response = http::Response::text(200, std::string(text));
  response.headers.set("ETag", etag);
  response.headers.set("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT");
  return response;
}

// The far end stands in for a web server.
class RoaTaskTest : public ControlPlaneTest {
 protected:
  RoaTaskTest() {
    config_.node.name = "jp1";
    config_.state_folder = folder_ / "state";
    config_.bird.roa_urls = {url("/a")};
  }
  std::string url(std::string_view path) const { return base_url() + std::string(path); }

  // One round of a task that starts anew, as after a restart of the agent.
  void round(bool allow_shrink = false) {
    RoaTask task(config_, "test", ledger_, table_, [this] { ++changes_; });
    task.load();
    if (allow_shrink) task.request(true);
    const auto runs = record().runs;
    std::jthread thread([&](const std::stop_token& stop) { task.run(stop); });
    for (int i = 0; i < 1000 && record().runs == runs; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_EQ(record().runs, runs + 1) << "no answer in 10 s";
  }
  TaskRecord record() const {
    const auto records = ledger_.records();
    const auto found = records.find(kRoaTask);
    return found == records.end() ? TaskRecord{} : found->second;
  }
  std::size_t count() const { return table_.read() == nullptr ? 0 : table_.read()->size(); }
  // As after a reboot.
  std::size_t count_on_disk() const { return kept_roas(config_) == nullptr ? 0 : kept_roas(config_)->size(); }

  support::TemporaryFolder folder_;
  AgentConfig config_;
  TaskLedger ledger_;
  Latest<RoaTable> table_;
  std::atomic<int> changes_{0};
};

TEST_F(RoaTaskTest, FetchesKeepsAndAsksWithTheValidatorsItWasGiven) {
  answer_with(file(kTwo));
  round();
  EXPECT_EQ(count(), 2u);
  EXPECT_EQ(count_on_disk(), 2u);
  EXPECT_EQ(changes_, 1);
  answer_with(http::Response{304, {}, ""});
  round();
  EXPECT_EQ(count(), 2u);
  EXPECT_EQ(changes_, 1);
  EXPECT_EQ(record().failures, 0u);
  const auto asked = requests();
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_FALSE(asked[0].headers.find("If-None-Match"));
  EXPECT_EQ(asked[1].headers.find("If-None-Match"), "\"1\"");
  EXPECT_EQ(asked[1].headers.find("If-Modified-Since"), "Sun, 06 Nov 1994 08:49:37 GMT");
  for (const auto& request : asked) EXPECT_FALSE(request.headers.find("Authorization"));
}

TEST_F(RoaTaskTest, WhatCannotBeBelievedLeavesTheLastGoodFile) {
  answer_with(file(kThree));
  round();
  const std::pair<http::Response, const char*> answers[] = {
      {file("<html>", "\"2\""), "/a: line 1 is no ROA: <html>"},
      {file("# none\n", "\"2\""), "/a: holds no ROA"},
      {file("route 172.20.1.0/24 max 24 as 1;\n", "\"2\""), "/a: holds 1 ROAs, less than half of the 3 before"}};
  for (const auto& [response, problem] : answers) {
    const auto before = record();
    answer_with(response);
    round();
    EXPECT_EQ(record().rejected, before.rejected + 1);
    EXPECT_TRUE(record().last_error.ends_with(problem)) << record().last_error;
    EXPECT_EQ(count(), 3u);
    EXPECT_EQ(count_on_disk(), 3u);
  }
  EXPECT_EQ(changes_, 1);
  EXPECT_EQ(requests().back().headers.find("If-None-Match"), "\"1\"") << "of the last good file";
}

TEST_F(RoaTaskTest, AnOperatorMayLetAFileShrink) {
  answer_with(file(kThree));
  round();
  answer_with(file("route 172.20.1.0/24 max 24 as 1;\n", "\"2\""));
  round(true);
  EXPECT_EQ(count(), 1u);
  EXPECT_EQ(record().rejected, 0u);
  answer_with(file("", "\"3\""));
  round(true);
  EXPECT_EQ(count(), 1u) << "an empty file is none";
}

TEST_F(RoaTaskTest, AServerThatIsAwayIsNoRejectedData) {
  for (const auto& [status, word] :
       {std::pair{500, "HTTP 500"}, {404, "HTTP 404"}, {302, "another server"}, {304, "304"}}) {
    answer_with(http::Response{status, {}, ""});
    round();
    EXPECT_NE(record().last_error.find(word), std::string::npos) << record().last_error;
  }
  EXPECT_EQ(record().rejected, 0u);
  EXPECT_EQ(record().failures, 4u);
  EXPECT_EQ(table_.read(), nullptr);
}

TEST_F(RoaTaskTest, JoinsTheFilesAndOneThatFailsIsItsOwnFaultAlone) {
  config_.bird.roa_urls = {url("/a"), url("/b"), url("/c")};
  answer_with([](const http::Request& request) -> http::Answer {
    if (request.target == "/a") return http::Response::text(503, "");
    return request.target == "/b" ? file(kTwo) : file(std::string(kTwo) + std::string(kThree));
  });
  round();
  EXPECT_EQ(count(), 5u) << "each once";
  EXPECT_TRUE(std::ranges::is_sorted(*table_.read()));
  EXPECT_NE(record().last_error.find("/a: HTTP 503"), std::string::npos) << record().last_error;
  // in another order, and without a network: each URL finds its own
  config_.bird.roa_urls = {url("/c"), url("/b")};
  EXPECT_EQ(count_on_disk(), 2u) << "of the first two state files only /b's is still asked for";
}

TEST_F(RoaTaskTest, AnEqualTableIsTheSameObject) {
  answer_with(file(kTwo));
  RoaTask task(config_, "test", ledger_, table_, [] {});
  std::jthread thread([&](const std::stop_token& stop) { task.run(stop); });
  const auto rounds = [&](std::uint64_t wanted) {
    for (int i = 0; i < 1000 && record().runs < wanted; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_GE(record().runs, wanted);
  };
  rounds(1);
  const auto first = table_.read();
  answer_with(file("# the same\n" + std::string(kTwo), "\"2\""));
  task.request(false);
  rounds(2);
  EXPECT_EQ(table_.read(), first);
  EXPECT_EQ(count_on_disk(), 2u);
}

TEST_F(RoaTaskTest, ATornStateFileIsNone) {
  answer_with(file(kTwo));
  round();
  const std::string path = config_.state_folder + "/roa-1.state";
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  EXPECT_EQ(count_on_disk(), 0u);
  table_.put(std::shared_ptr<const RoaTable>());
  round();
  EXPECT_EQ(count(), 2u);
  EXPECT_EQ(count_on_disk(), 2u);
}

}  // namespace
}  // namespace moenet::agent
