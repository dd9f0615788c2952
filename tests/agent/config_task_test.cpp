#include "agent/config_task.h"

#include <atomic>
#include <thread>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "agent/far_end.h"
#include "support/temporary_folder.h"

namespace moenet::agent {
namespace {

using http::Response;
using std::chrono::seconds;

const char* no_environment(const char*) { return nullptr; }

Response config_answer(std::string_view data) {
  return Response::json(200, fmt::format(R"({{"code":0,"message":"Success","data":{}}})", data));
}

class ConfigTaskTest : public ControlPlaneTest {
 protected:
  ConfigTaskTest()
      : source_{"test",
                {{"bootstrap", {{"apiUrl", "http://cp"}, {"nodeName", "jp1"}, {"token", "t"}}},
                 {"stateDir", folder_.path().native()}}} {}

  // A run with what is kept on disk, as after a start or a reload: did the answer call for another reload?
  bool calls_for_reload() {
    const auto local = understand_config(source_, nullptr, no_environment).value();
    const auto loaded = understand_config(source_, kept_config(local.config), no_environment).value();
    std::atomic<bool> is_new = false;
    const auto answered = answers();
    std::jthread task([&](const std::stop_token& stop) {
      run_config(
          {*control_plane_, ledger_, loaded.config, source_, no_environment, [&] { is_new = true; }, [] {}, ask_again_},
          stop);
    });
    await_answers(answered + 1);
    task = {};
    return is_new;
  }
  std::uint64_t answers() const {
    const auto records = ledger_.records();
    const auto record = records.find(std::string(kConfigTask));
    return record == records.end() ? 0 : record->second.runs;
  }
  void await_answers(std::uint64_t count) const {
    const auto deadline = Deadline::after(seconds(10));
    while (answers() < count && !deadline.passed()) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    EXPECT_GE(answers(), count);
  }

  support::TemporaryFolder folder_;
  ConfigSource source_;
  TaskLedger ledger_;
  Wakeup ask_again_;
};

TEST_F(ConfigTaskTest, OnlyWhatIsTakenOfAnAnswerMakesItNew) {
  answer_with(config_answer(R"({"node":{"id":2},"bird":{"poolSize":5,"poolSizeMax":9},"time":1,"more":{"x":[1]}})"));
  EXPECT_TRUE(calls_for_reload());
  EXPECT_FALSE(calls_for_reload()) << "the same again";
  answer_with(
      config_answer(R"({"time":2,"bird":{"poolSizeMax":9,"poolSize":5,"seen":2},"node":{"region":"","id":2}})"));
  EXPECT_FALSE(calls_for_reload()) << "another order, another time, nothing else";
  answer_with(config_answer(R"({"time":3,"bird":{"poolSize":6,"poolSizeMax":9},"node":{"id":2}})"));
  EXPECT_TRUE(calls_for_reload());
  EXPECT_FALSE(calls_for_reload());
}

TEST_F(ConfigTaskTest, AnAnswerForAnotherNodeIsRefused) {
  answer_with(config_answer(R"({"node":{"name":"jp2","id":3}})"));
  EXPECT_FALSE(calls_for_reload());
  EXPECT_EQ(ledger_.records().at("configTask").last_error,
            "the control plane's config: node.name: it is another node's");
  answer_with(config_answer(R"({"node":{"name":"JP1","id":2}})"));
  EXPECT_TRUE(calls_for_reload());
}

TEST_F(ConfigTaskTest, ANodeThatIsKnownByItsUuidTakesAnyName) {
  source_.file.as_object()["bootstrap"].as_object()["nodeName"] = "0b9c4b2e-3f6d-4c55-9d2a-7a1de0a4c111";
  answer_with(config_answer(R"({"node":{"name":"jp2","id":3}})"));
  EXPECT_TRUE(calls_for_reload());
}

TEST_F(ConfigTaskTest, AnAnswerThatSaysNothingEndsTheBootstrapToo) {
  answer_with(config_answer("{}"));
  EXPECT_TRUE(calls_for_reload());
  EXPECT_FALSE(calls_for_reload());
}

TEST_F(ConfigTaskTest, IsAskedAgainWhenTold) {
  answer_with(config_answer(R"({"node":{"id":2}})"));
  EXPECT_TRUE(calls_for_reload());
  const auto local = understand_config(source_, nullptr, no_environment).value();
  const auto loaded = understand_config(source_, kept_config(local.config), no_environment).value();
  std::atomic<bool> is_new = false;
  const auto answered = answers();
  const std::jthread task([&](const std::stop_token& stop) {
    run_config(
        {*control_plane_, ledger_, loaded.config, source_, no_environment, [&] { is_new = true; }, [] {}, ask_again_},
        stop);
  });
  await_answers(answered + 1);
  EXPECT_FALSE(is_new);
  answer_with(config_answer(R"({"node":{"id":3}})"));
  ask_again_.notify();
  await_answers(answered + 2);
  const auto deadline = Deadline::after(seconds(5));
  while (!is_new && !deadline.passed()) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  EXPECT_TRUE(is_new);
}

TEST_F(ConfigTaskTest, SaysThatItLivesWhileItWaitsForTheFirstConfig) {
  answer_with(Response::text(500, "x"));
  const auto local = understand_config(source_, nullptr, no_environment).value();
  ASSERT_FALSE(local.config.is_complete);
  std::atomic<int> progress = 0;
  const auto begun = steady_now();
  const std::jthread task([&](const std::stop_token& stop) {
    run_config(
        {*control_plane_, ledger_, local.config, source_, no_environment, [] {}, [&] { ++progress; }, ask_again_},
        stop);
  });
  while (progress < 3 && steady_now() - begun < seconds(30)) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_LT(steady_now() - begun, seconds(15)) << "before and after the attempt, and 5 s later";
  EXPECT_EQ(requests().size(), 1u) << "the next attempt is due after a minute";
}

}  // namespace
}  // namespace moenet::agent
