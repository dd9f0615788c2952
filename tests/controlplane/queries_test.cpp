#include "controlplane/queries.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "http/pending.h"

namespace moenet::controlplane {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr NodeId kNode = 2;
constexpr NodeId kOther = 3;

// Queries, and what becomes of reads and askers. The time is the test's.
class QueriesTest : public ::testing::Test {
 protected:
  struct Asking {
    std::optional<Queries::Refusal> refusal;
    std::shared_ptr<std::vector<std::optional<std::string>>> answers;
  };
  static Queries::Question question(NodeId node = kNode, const std::string& account = "alice") {
    return {node, account, "path", R"({"target":"172.20.0.53"})"};
  }
  Asking ask(Queries& queries, Queries::Question asked) {
    auto answers = std::make_shared<std::vector<std::optional<std::string>>>();
    const auto asker = [answers](std::optional<std::string> answer) { answers->push_back(std::move(answer)); };
    return {queries.ask(std::move(asked), asker, now_), answers};
  }
  std::shared_ptr<http::Pending> wait(Queries& queries, NodeId node = kNode) {
    auto read = std::make_shared<http::Pending>(seconds(50), Queries::nothing);
    queries.wait(node, read, now_);
    return read;
  }
  // What a read was answered; nothing while it waits.
  static std::optional<json::array> list_of(const std::shared_ptr<http::Pending>& read) {
    if (!read->is_answered()) return std::nullopt;
    const auto response = read->state()->finish();
    return json::parse(response.value().body).at("data").at("queries").as_array();
  }
  static std::string id_of(const json::array& list, std::size_t i = 0) {
    return std::string(list.at(i).at("id").as_string());
  }

  SteadyTime now_ = steady_now();
  std::vector<std::string> told_;
  Queries queries_{
      [this](const std::vector<std::string>& texts) { told_.insert(told_.end(), texts.begin(), texts.end()); }};
};

TEST_F(QueriesTest, AWaitingReadIsAnsweredAtOnceAndItsAnswerGoesToWhoAsked) {
  const auto read = wait(queries_);
  EXPECT_FALSE(list_of(read));
  const auto asking = ask(queries_, question());
  EXPECT_FALSE(asking.refusal);
  const auto list = list_of(read);
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 1u);
  EXPECT_EQ(list->at(0).at("tool").as_string(), "path");
  EXPECT_EQ(list->at(0).at("arguments").at("target").as_string(), "172.20.0.53");
  EXPECT_EQ(list->at(0).at("secondsLeft").as_int64(), 15);
  EXPECT_TRUE(queries_.answer(kNode, id_of(*list), "said", now_));
  ASSERT_EQ(asking.answers->size(), 1u);
  EXPECT_EQ(asking.answers->front(), "said");
  EXPECT_FALSE(queries_.answer(kNode, id_of(*list), "again", now_)) << "nobody waits any more";
  EXPECT_EQ(queries_.open(), 0u);
}

TEST_F(QueriesTest, WhatWasAskedBeforeWaitsForTheNextReadAndIsHandedOutOnce) {
  ask(queries_, question());
  ask(queries_, question());
  ask(queries_, question(kOther));
  now_ += seconds(5);
  const auto list = list_of(wait(queries_));
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 2u);
  EXPECT_EQ(list->at(1).at("secondsLeft").as_int64(), 10);
  EXPECT_FALSE(list_of(wait(queries_)));
}

TEST_F(QueriesTest, OnlyTheNodeThatWasAskedAnswers) {
  const auto read = wait(queries_);
  const auto asking = ask(queries_, question());
  const std::string id = id_of(list_of(read).value());
  EXPECT_FALSE(queries_.answer(kOther, id, "forged", now_));
  EXPECT_FALSE(queries_.answer(kNode, "another", "x", now_));
  EXPECT_TRUE(asking.answers->empty());
  EXPECT_TRUE(queries_.answer(kNode, id, "said", now_));
}

TEST_F(QueriesTest, AreForgottenWhenTheirTimeIsOver) {
  const auto asking = ask(queries_, question());
  now_ += queries_.patience();
  const auto read = wait(queries_);
  EXPECT_FALSE(list_of(read));
  EXPECT_EQ(queries_.open(), 0u);
  EXPECT_TRUE(asking.answers->empty());
}

TEST_F(QueriesTest, ANewReadOfTheNodeEndsTheOneBefore) {
  const auto first = wait(queries_);
  const auto second = wait(queries_);
  EXPECT_EQ(list_of(first).value(), json::array());
  EXPECT_EQ(queries_.waiting_reads(), 1u);
  ask(queries_, question());
  EXPECT_EQ(list_of(second).value().size(), 1u);
  EXPECT_EQ(queries_.waiting_reads(), 0u);
}

// Its agent hung up: the query waits for the next read.
TEST_F(QueriesTest, AReadThatIsGoneTakesNoQueryWithIt) {
  const auto gone = wait(queries_);
  gone->state()->finish();
  ask(queries_, question());
  EXPECT_EQ(list_of(wait(queries_)).value().size(), 1u);
}

TEST_F(QueriesTest, AnAccountAsksSeldomAndOthersAreNotHeldUpByIt) {
  Queries queries([](const auto&) {},
                  {.most_of_node = 100, .account_burst = 3, .account_per_second = 0.5, .node_burst = 100});
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(ask(queries, question()).refusal);
  const auto refusal = ask(queries, question()).refusal;
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->why, Queries::Refused::account);
  EXPECT_EQ(refusal->retry_after, seconds(2));
  EXPECT_TRUE(ask(queries, question(kOther)).refusal) << "whichever node it asks";
  EXPECT_FALSE(ask(queries, question(kNode, "bob")).refusal);
  now_ += seconds(2);
  EXPECT_FALSE(ask(queries, question()).refusal);
}

TEST_F(QueriesTest, ANodeHasFewOpenAndIsAskedSeldomByAllTogether) {
  Queries queries([](const auto&) {}, {.most_of_node = 2, .node_burst = 4, .node_per_second = 1});
  EXPECT_FALSE(ask(queries, question(kNode, "a")).refusal);
  EXPECT_FALSE(ask(queries, question(kNode, "b")).refusal);
  EXPECT_EQ(ask(queries, question(kNode, "c")).refusal.value().why, Queries::Refused::node);
  EXPECT_FALSE(ask(queries, question(kOther, "c")).refusal);
  const auto list = list_of(wait(queries)).value();
  for (std::size_t i = 0; i < 2; ++i) EXPECT_TRUE(queries.answer(kNode, id_of(list, i), "x", now_));
  EXPECT_FALSE(ask(queries, question(kNode, "c")).refusal);
  EXPECT_FALSE(ask(queries, question(kNode, "d")).refusal);
  const auto rest = list_of(wait(queries)).value();
  for (const auto& query : rest) queries.answer(kNode, std::string(query.at("id").as_string()), "x", now_);
  EXPECT_EQ(ask(queries, question(kNode, "e")).refusal.value().retry_after, seconds(1)) << "its burst is used up";
}

TEST_F(QueriesTest, AllTogetherAreBounded) {
  Queries queries([](const auto&) {}, {.most_of_node = 8, .most_open = 3});
  for (NodeId node = 1; node <= 3; ++node) EXPECT_FALSE(ask(queries, question(node, std::to_string(node))).refusal);
  EXPECT_TRUE(ask(queries, question(4, "4")).refusal);
}

TEST_F(QueriesTest, StopEndsWhoWaitsAndTakesNobody) {
  const auto read = wait(queries_, kOther);
  const auto asking = ask(queries_, question());
  queries_.stop();
  EXPECT_EQ(list_of(read).value(), json::array());
  ASSERT_EQ(asking.answers->size(), 1u);
  EXPECT_FALSE(asking.answers->front());
  EXPECT_EQ(ask(queries_, question()).refusal.value().why, Queries::Refused::stopped);
  EXPECT_EQ(list_of(wait(queries_)).value(), json::array());
}

// Two control planes that hear each other.
class TwoQueries : public QueriesTest {
 protected:
  static void pass(std::vector<std::string>& told, Queries& to, SteadyTime now) {
    for (const std::string& text : std::exchange(told, {})) to.hear(text, now);
  }
  void pass_all() {
    pass(told_, two_, now_);
    pass(told_by_two_, queries_, now_);
  }
  std::vector<std::string> told_by_two_;
  Queries two_{[this](const std::vector<std::string>& texts) {
    told_by_two_.insert(told_by_two_.end(), texts.begin(), texts.end());
  }};
};

TEST_F(TwoQueries, TheAgentWaitsAtTheOther) {
  const auto read = wait(two_);
  const auto asking = ask(queries_, question());
  pass_all();
  const auto list = list_of(read).value();
  ASSERT_EQ(list.size(), 1u);
  std::string answer = "{";
  while (answer.size() < 64u << 10) answer += "a long answer of many messages \u2026 ";
  EXPECT_TRUE(two_.answer(kNode, id_of(list), answer, now_));
  EXPECT_GT(told_by_two_.size(), 8u);
  pass_all();
  ASSERT_EQ(asking.answers->size(), 1u);
  EXPECT_EQ(asking.answers->front(), answer);
  EXPECT_EQ(queries_.open() + two_.open(), 0u);
}

TEST_F(TwoQueries, WhatIsAnsweredAtOneIsOverAtTheOther) {
  const auto read = wait(queries_);
  ask(queries_, question());
  pass_all();
  EXPECT_EQ(two_.open(), 1u);
  queries_.answer(kNode, id_of(list_of(read).value()), "said", now_);
  pass_all();
  EXPECT_EQ(two_.open(), 0u);
  EXPECT_FALSE(list_of(wait(two_))) << "no agent gets it again";
}

TEST_F(TwoQueries, AnAnswerWithALostPartIsNone) {
  const auto read = wait(two_);
  const auto asking = ask(queries_, question());
  pass_all();
  two_.answer(kNode, id_of(list_of(read).value()), std::string(30'000, 'x'), now_);
  ASSERT_GT(told_by_two_.size(), 3u);
  told_by_two_.erase(told_by_two_.begin() + 1);
  pass_all();
  EXPECT_TRUE(asking.answers->empty());
}

TEST_F(TwoQueries, TheLimitsCountWhatIsAskedAtBoth) {
  for (int i = 0; i < 8; ++i) EXPECT_FALSE(ask(queries_, question()).refusal);
  pass_all();
  EXPECT_EQ(ask(two_, question(kNode, "bob")).refusal.value().why, Queries::Refused::node) << "eight are open";
  EXPECT_FALSE(ask(two_, question(kOther)).refusal);
  EXPECT_FALSE(ask(two_, question(kOther)).refusal);
  EXPECT_EQ(ask(two_, question(kOther)).refusal.value().why, Queries::Refused::account) << "alice has asked ten";
}

TEST_F(TwoQueries, NonsenseIsHeardOut) {
  for (const char* text :
       {"", "ask id 2 15000 a path no-json", "ask id 2 15000 a path []", "answer id 1 1 x", "over x"})
    two_.hear(text, now_);
  EXPECT_EQ(two_.open(), 0u);
}

}  // namespace
}  // namespace moenet::controlplane
