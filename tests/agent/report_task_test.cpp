#include "agent/report_task.h"

#include <gtest/gtest.h>

namespace moenet::agent {
namespace {

using model::SessionStatus;
using std::chrono::seconds;

const SteadyTime kStart{std::chrono::hours(1)};

NodeReport report_of(std::int64_t held, model::Condition condition, std::uint64_t answer = 1,
                     std::string held_error = "") {
  NodeReport report;
  report.answer = answer;
  SessionView view;
  view.uuid = "u";
  view.held_status = held;
  view.held_error = std::move(held_error);
  view.condition = std::move(condition);
  report.sessions = std::make_shared<const SessionViews>(SessionViews{std::move(view)});
  return report;
}

TEST(ReportMemory, TellsOnceThatASessionIsInPlace) {
  ReportMemory memory;
  const auto report = report_of(4, model::InPlace{});
  const auto due = memory.due(report, {}, kStart);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].report.status, SessionStatus::enabled);
  memory.settled(due[0], 1);
  EXPECT_TRUE(memory.due(report, {}, kStart).empty());
  EXPECT_TRUE(memory.due(report_of(4, model::InPlace{}, 2), {}, kStart).empty())
      << "this answer may have been under way";
}

TEST(ReportMemory, TellsAgainWhenALaterAnswerStillShowsTheOldRow) {
  ReportMemory memory;
  const auto due = memory.due(report_of(4, model::InPlace{}), {}, kStart);
  memory.settled(due.at(0), 1);
  EXPECT_EQ(memory.due(report_of(4, model::InPlace{}, 3), {}, kStart).size(), 1u);
}

TEST(ReportMemory, NothingIsDueWhenTheRowSaysWhatTheNodeShows) {
  ReportMemory memory;
  EXPECT_TRUE(memory.due(report_of(2, model::InPlace{}), {}, kStart).empty());
  EXPECT_TRUE(memory.due(report_of(3, model::Unchanged{}), {}, kStart).empty());
  EXPECT_TRUE(memory.due(report_of(1, model::Removed{}), {}, kStart).empty());
}

TEST(ReportMemory, AFailedReportWaitsLongerEachTime) {
  ReportMemory memory;
  const auto report = report_of(4, model::InPlace{});
  auto due = memory.due(report, {}, kStart);
  ASSERT_EQ(due.size(), 1u);
  memory.failed(due[0], 1, kStart, 1.0);
  EXPECT_TRUE(memory.due(report, {}, kStart + seconds(4)).empty());
  EXPECT_EQ(memory.next_due(kStart), kStart + seconds(5));
  due = memory.due(report, {}, kStart + seconds(5));
  ASSERT_EQ(due.size(), 1u);
  memory.failed(due[0], 1, kStart + seconds(5), 1.0);
  EXPECT_EQ(memory.next_due(kStart + seconds(5)), kStart + seconds(15));
}

// The row may have been edited and approved again since.
TEST(ReportMemory, ADeletionIsRepeatedOnlyWhenALaterAnswerStillAsksForIt) {
  ReportMemory memory;
  const auto due = memory.due(report_of(5, model::Removed{}), {}, kStart);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].report.status, SessionStatus::deleted);
  memory.failed(due[0], 1, kStart, 1.0);
  EXPECT_TRUE(memory.due(report_of(5, model::Removed{}), {}, kStart + seconds(600)).empty());
  EXPECT_FALSE(memory.next_due(kStart)) << "nothing to wake for before the next answer";
  EXPECT_EQ(memory.due(report_of(5, model::Removed{}, 2), {}, kStart + seconds(600)).size(), 1u);
}

TEST(ReportMemory, ASessionThatDoesNotWorkIsAProblemWithItsCause) {
  ReportMemory memory;
  const HealthTable fails{{"session/u", false, "no handshake yet: endpoint 192.0.2.7:31080 does not answer", {}, true}};
  const HealthTable works{{"session/u", true, "", {}, true}};
  const auto due = memory.due(report_of(2, model::InPlace{}), fails, kStart);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].report.status, SessionStatus::problem);
  EXPECT_EQ(due[0].report.last_error, fails[0].cause);
  memory.settled(due[0], 1);
  EXPECT_TRUE(memory.due(report_of(6, model::InPlace{}, 2, std::string(fails[0].cause)), fails, kStart).empty());
  const auto over = memory.due(report_of(6, model::InPlace{}, 2, std::string(fails[0].cause)), works, kStart);
  ASSERT_EQ(over.size(), 1u);
  EXPECT_EQ(over[0].report.status, SessionStatus::enabled);
}

TEST(ReportMemory, AProblemStaysUntilItIsCertainThatItIsOver) {
  ReportMemory memory;
  EXPECT_TRUE(memory.due(report_of(6, model::InPlace{}), {}, kStart).empty()) << "nobody has looked yet";
  EXPECT_TRUE(memory.due(report_of(6, model::InPlace{}), {{"session/u", true, "", {}, false}}, kStart).empty());
  EXPECT_EQ(memory.due(report_of(4, model::InPlace{}), {}, kStart).size(), 1u) << "it was set up, which is all it says";
}

TEST(ReportMemory, RowsFromTheDiskAreNoReasonToTellAnything) {
  ReportMemory memory;
  EXPECT_TRUE(memory.due(report_of(5, model::Removed{}, 0), {}, kStart).empty());
  EXPECT_EQ(memory.due(report_of(5, model::Removed{}, 1), {}, kStart).size(), 1u);
}

TEST(ReportMemory, AFailedLookIsNoReasonToTellOrToForget) {
  ReportMemory memory;
  auto due = memory.due(report_of(4, model::InPlace{}), {}, kStart);
  memory.settled(due.at(0), 1);
  auto failed = report_of(4, model::InPlace{}, 2);
  failed.error = Error{Errc::timeout, "list links"};
  EXPECT_TRUE(memory.due(failed, {}, kStart).empty());
  EXPECT_TRUE(memory.due(report_of(4, model::InPlace{}, 2), {}, kStart).empty()) << "still settled";
}

// A task that woke for it would find nothing to tell, and wake again at once, for as long as the node cannot be seen.
TEST(ReportMemory, NothingWakesForAReportWhoseTimeHasComeWhileTheNodeCannotBeSeen) {
  ReportMemory memory;
  const auto due = memory.due(report_of(4, model::InPlace{}), {}, kStart);
  memory.failed(due.at(0), 1, kStart, 1.0);
  auto failed = report_of(4, model::InPlace{}, 2);
  failed.error = Error{Errc::timeout, "list links"};
  const auto late = kStart + seconds(6);
  EXPECT_TRUE(memory.due(failed, {}, late).empty());
  EXPECT_FALSE(memory.next_due(late));
  EXPECT_EQ(memory.due(report_of(4, model::InPlace{}, 2), {}, late).size(), 1u) << "the next look brings it";
}

TEST(ReportMemory, AnotherCauseIsToldAtOnce) {
  ReportMemory memory;
  const auto due = memory.due(report_of(4, model::Broken{"listen port 1 is in use"}), {}, kStart);
  memory.failed(due.at(0), 1, kStart, 1.0);
  const auto next = memory.due(report_of(4, model::InPlace{}), {}, kStart);
  ASSERT_EQ(next.size(), 1u);
  EXPECT_EQ(next[0].report.status, SessionStatus::enabled);
}

}  // namespace
}  // namespace moenet::agent
