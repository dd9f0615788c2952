#include "agent/query_task.h"

#include <condition_variable>
#include <map>
#include <thread>

#include <boost/json.hpp>

#include "agent/far_end.h"

namespace moenet::agent {
namespace {

namespace json = boost::json;
using http::Response;
using std::chrono::milliseconds;
using std::chrono::seconds;

Response with_feature(Response response) {
  response.headers.set("X-MoeNet-Features", "batch-modify, queries");
  return response;
}
std::string queries_of(const json::array& queries) {
  return json::serialize(json::object{{"code", 0}, {"message", "Success"}, {"data", {{"queries", queries}}}});
}
json::object query(std::string_view id, std::string_view tool = "path") {
  return {{"id", id}, {"tool", tool}, {"arguments", {{"target", "172.20.0.53"}}}, {"secondsLeft", 12}};
}

// A control plane that hands out each list once, and keeps what it is answered.
class QueryTaskTest : public ControlPlaneTest {
 protected:
  ~QueryTaskTest() override {
    end();
    answer_no_more();
  }

  void start(ToolLimits limits = {2, 8, 100, 100, seconds(10)}, bool offers = true) {
    answer_with([this, offers](const http::Request& request) -> http::Answer {
      const std::lock_guard lock(mutex_);
      if (!request.target.contains("/queries"))
        return offers ? with_feature(Response::json(200, queries_of({}))) : Response::json(200, queries_of({}));
      if (request.method == "POST") {
        answers_[request.target.substr(request.target.rfind('/') + 1)] = json::parse(request.body).as_object();
        changed_.notify_all();
        return with_feature(Response::json(200, R"({"code":0,"data":{"received":true}})"));
      }
      ++reads_;
      changed_.notify_all();
      if (status_ != 200) return with_feature(Response::text(status_, "no"));
      Response response = Response::json(200, queries_of(std::exchange(list_, {})));
      return with_feature(std::move(response));
    });
    EXPECT_TRUE(control_plane_->fetch_config(never_));  // whence it is known what the server offers
    task_ = std::make_unique<QueryTask>(QueryWiring{*control_plane_,
                                                    ledger_,
                                                    settings_,
                                                    *this_tools(limits),
                                                    stop_.get_token(),
                                                    {milliseconds(10), milliseconds(10)}});
    thread_ = std::jthread([this](const std::stop_token& stop) { task_->run(stop); });
  }
  void end() {
    stop_.request_stop();
    thread_ = {};
    tools_.reset();
  }
  void ask(const json::array& queries) {
    const std::lock_guard lock(mutex_);
    list_ = queries;
  }
  void fail_with(int status) {
    const std::lock_guard lock(mutex_);
    status_ = status;
  }
  std::map<std::string, json::object> await_answers(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, seconds(20), [&] { return answers_.size() >= count; });
    return answers_;
  }
  int await_reads(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, seconds(20), [&] { return reads_ >= count; });
    return reads_;
  }

  LookingGlassSettings settings_;
  TaskLedger ledger_;
  std::atomic<int> asked_{0};  // of the tools

 private:
  Tools* this_tools(ToolLimits limits) {
    tools_ = std::make_unique<Tools>(
        [this](const ToolQuestion&, Deadline, const std::stop_token&) -> Result<ToolAnswer> {
          ++asked_;
          return ToolAnswer{"4242420053\n", {}};
        },
        limits);
    return tools_.get();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  json::array list_;
  int status_ = 200;
  int reads_ = 0;
  std::map<std::string, json::object> answers_;
  std::stop_source stop_;
  std::unique_ptr<QueryTask> task_;
  std::unique_ptr<Tools> tools_;
  std::jthread thread_;
};

TEST_F(QueryTaskTest, AnswersWhatIsOfferedAndSaysWhyItDoesNotAnswerTheRest) {
  start();
  ask({query("one"), query("two", "tcping"), query("three", "reboot")});
  auto answers = await_answers(3);
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers["one"].at("result").as_string(), "4242420053\n");
  EXPECT_EQ(answers["two"].at("status").as_int64(), 403);
  EXPECT_EQ(answers["three"].at("status").as_int64(), 403);
  EXPECT_EQ(asked_, 1);
}

TEST_F(QueryTaskTest, WaitsAtTheServerWithTheNodesToken) {
  start();
  await_reads(1);
  for (const auto& request : requests()) {
    if (!request.target.contains("/queries")) continue;
    EXPECT_EQ(request.target, "/api/v1/agent/jp1/queries");
    EXPECT_EQ(request.headers.find("Prefer"), "wait=50");
    EXPECT_EQ(request.headers.find("Authorization"), "Bearer t0k3n");
    return;
  }
  FAIL() << "it never read";
}

TEST_F(QueryTaskTest, AnswersAQueryOnceHoweverOftenItComes) {
  start();
  ask({query("one"), query("one")});
  await_answers(1);
  ask({query("one"), query("two")});
  await_answers(2);
  EXPECT_EQ(asked_, 2);
}

// Whatever a control plane sends, the tools run no more often than they may.
TEST_F(QueryTaskTest, AFloodRunsIntoTheToolsLimits) {
  start({2, 8, 3, 0.001, seconds(10)});
  for (int round = 0; round < 5; ++round) {
    json::array flood;
    for (int i = 0; i < 8; ++i) flood.push_back(query("q" + std::to_string(round * 8 + i)));
    ask(flood);
    await_answers(static_cast<std::size_t>(round + 1) * 8);
  }
  auto answers = await_answers(40);
  ASSERT_EQ(answers.size(), 40u);
  int limited = 0;
  for (const auto& [id, answer] : answers) limited += answer.contains("retryAfter") ? 1 : 0;
  EXPECT_EQ(limited, 37);
  EXPECT_EQ(asked_, 3);
}

TEST_F(QueryTaskTest, OfAServerThatOffersNothingIsAskedNothing) {
  start({}, false);
  std::this_thread::sleep_for(milliseconds(200));
  EXPECT_EQ(await_reads(0), 0);
  EXPECT_FALSE(control_plane_->offers_queries());
}

// Not even by its connections and its breaker: with the reads of sessions and the rest all is well.
TEST_F(QueryTaskTest, FailuresAreNobodyElses) {
  fail_with(500);
  start();
  EXPECT_GE(await_reads(3), 3);
  EXPECT_EQ(control_plane_->breaker().failures_in_a_row, 0u);
  EXPECT_EQ(control_plane_->counters().failures, 0u);
  EXPECT_GE(ledger_.records().at("queryTask").failures, 2u);
  fail_with(200);
  ask({query("one")});
  EXPECT_EQ(await_answers(1).size(), 1u) << "and it comes back";
}

TEST_F(QueryTaskTest, EndsAtOnceWhileItWaits) {
  start();
  answer_with([](const http::Request&) -> http::Answer {
    return std::make_shared<http::Pending>(seconds(60), [] { return Response::text(503, ""); });
  });
  const std::size_t before = requests().size();
  for (int i = 0; i < 4'000 && requests().size() == before; ++i) std::this_thread::sleep_for(milliseconds(5));
  ASSERT_GT(requests().size(), before);
  const auto begun = steady_now();
  end();
  EXPECT_LT(steady_now() - begun, seconds(5));
}

}  // namespace
}  // namespace moenet::agent
