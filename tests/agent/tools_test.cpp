#include "agent/tools.h"

#include <gtest/gtest.h>

#include "base/latest.h"

namespace moenet::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

ToolQuestion question() { return PingQuestion{IpAddress::v4({172, 20, 0, 53})}; }

// Callers' answers, and questions that are answered when the test says so.
class Desk {
 public:
  Tools::Done done() {
    return [this](const Result<std::string>& answer) {
      const std::lock_guard lock(mutex_);
      answers_.push_back(answer);
      changed_.notify_all();
    };
  }
  Tools::Answer held() {
    return [this](const ToolQuestion&, Deadline, const std::stop_token& stop) -> Result<ToolAnswer> {
      std::unique_lock lock(mutex_);
      most_ = std::max(most_, ++running_);
      changed_.notify_all();
      const bool is_open = changed_.wait(lock, stop, [this] { return open_; });
      --running_;
      if (!is_open) return fail(Errc::cancelled, "cancelled");
      return ToolAnswer{"x\n", {}};
    };
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  bool await_running(unsigned count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, seconds(20), [&] { return running_ == count; });
  }
  std::vector<Result<std::string>> await_answers(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, seconds(20), [&] { return answers_.size() >= count; });
    return answers_;
  }
  unsigned most() {
    const std::lock_guard lock(mutex_);
    return most_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<Result<std::string>> answers_;
  unsigned running_ = 0;
  unsigned most_ = 0;
  bool open_ = false;
};

constexpr ToolLimits kGenerous{2, 8, 100, 100, seconds(60)};

TEST(Tools, AnswersWhatIsAsked) {
  Desk desk;
  desk.open();
  Tools tools(desk.held(), kGenerous);
  EXPECT_FALSE(tools.ask(question(), steady_now(), desk.done()));
  const auto answers = desk.await_answers(1);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0], R"({"result":"x\n","data":{}})");
}

TEST(Tools, NeverMoreAtOnceThanAllowedAndNoLongQueue) {
  Desk desk;
  Tools tools(desk.held(), kGenerous);
  const SteadyTime now = steady_now();
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(tools.ask(question(), now, desk.done()));
  ASSERT_TRUE(desk.await_running(2));
  for (int i = 0; i < 8; ++i) EXPECT_FALSE(tools.ask(question(), now, desk.done())) << i;
  EXPECT_EQ(tools.ask(question(), now, desk.done()), seconds(60)) << "the queue is full";
  desk.open();
  EXPECT_EQ(desk.await_answers(10).size(), 10u);
  EXPECT_EQ(desk.most(), 2u);
}

TEST(Tools, WhoAsksTooOftenIsSentAway) {
  Desk desk;
  desk.open();
  Tools tools(desk.held(), {2, 100, 3, 0.5, seconds(60)});
  const SteadyTime now = steady_now();
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(tools.ask(question(), now, desk.done()));
  EXPECT_EQ(tools.ask(question(), now, desk.done()), seconds(2));
  EXPECT_FALSE(tools.ask(question(), now + seconds(2), desk.done()));
  EXPECT_EQ(desk.await_answers(4).size(), 4u);
}

TEST(Tools, WhoWaitedTooLongIsToldSoAndCostsNothing) {
  Desk desk;
  desk.open();
  Tools tools(desk.held(), kGenerous);
  EXPECT_FALSE(tools.ask(question(), steady_now() - seconds(61), desk.done()));
  const auto answers = desk.await_answers(1);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].error().code, Errc::timeout);
  EXPECT_EQ(desk.most(), 0u);
}

TEST(Tools, ABugCostsOneAnswer) {
  Desk desk;
  bool is_first = true;
  Tools tools(
      [&](const ToolQuestion&, Deadline, const std::stop_token&) -> Result<ToolAnswer> {
        if (std::exchange(is_first, false)) throw std::runtime_error("a bug");
        return ToolAnswer{};
      },
      {1, 8, 100, 100, seconds(60)});
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(tools.ask(question(), steady_now(), desk.done()));
  const auto answers = desk.await_answers(2);
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0].error().code, Errc::internal);
  EXPECT_TRUE(answers[1]);
}

TEST(Tools, TheEndCancelsWhatRunsAndTellsWhoWaits) {
  Desk desk;
  {
    Tools tools(desk.held(), kGenerous);
    for (int i = 0; i < 5; ++i) EXPECT_FALSE(tools.ask(question(), steady_now(), desk.done()));
    ASSERT_TRUE(desk.await_running(2));
  }
  const auto answers = desk.await_answers(5);
  ASSERT_EQ(answers.size(), 5u);
  for (const auto& answer : answers) EXPECT_EQ(answer.error().code, Errc::cancelled);
}

// Nobody is left to hear the answer.
TEST(Tools, AskedByWhoDoesNotWaitAreNotAnswered) {
  Desk desk;
  desk.open();
  Tools tools(desk.held(), kGenerous);
  EXPECT_FALSE(tools.ask(question(), steady_now(), desk.done(), steady_now() - seconds(1)));
  const auto answers = desk.await_answers(1);
  ASSERT_EQ(answers.size(), 1u);
  ASSERT_FALSE(answers[0]);
  EXPECT_EQ(answers[0].error().code, Errc::timeout);
}

}  // namespace
}  // namespace moenet::agent
