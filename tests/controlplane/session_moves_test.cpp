#include "controlplane/session_moves.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "model/lifecycle.h"

namespace moenet::controlplane {
namespace {

using enum model::SessionStatus;
using model::SessionStatus;

constexpr SessionStatus kAll[] = {deleted,           disabled, enabled,  pending, queued_for_setup,
                                  queued_for_delete, problem,  teardown, rejected};

StoredSession row_at(SessionStatus status) {
  StoredSession row;
  row.status = status;
  row.last_error = "old";
  return row;
}

// "-" refused, "=" kept, "x" dropped, else the name of the new status.
std::string result_of(const Checked<Verdict>& verdict) {
  if (!verdict) return "-";
  if (std::holds_alternative<Keep>(*verdict)) return "=";
  if (std::holds_alternative<Drop>(*verdict)) return "x";
  return std::string(model::name_of(std::get<Replace>(*verdict).row.status));
}

TEST(OperatorMoves, FollowTheTable) {
  const struct {
    SessionStatus from;
    const char *approve, *reject, *disable, *enable, *remove;
  } table[] = {
      {pending, "QUEUED_FOR_SETUP", "REJECTED", "-", "-", "x"},
      {queued_for_setup, "=", "-", "DISABLED", "=", "QUEUED_FOR_DELETE"},
      {enabled, "=", "-", "DISABLED", "=", "QUEUED_FOR_DELETE"},
      {problem, "=", "-", "DISABLED", "=", "QUEUED_FOR_DELETE"},
      {queued_for_delete, "-", "-", "DISABLED", "-", "="},
      {disabled, "QUEUED_FOR_SETUP", "-", "=", "QUEUED_FOR_SETUP", "x"},
      {teardown, "QUEUED_FOR_SETUP", "-", "DISABLED", "QUEUED_FOR_SETUP", "x"},
      {rejected, "-", "=", "-", "-", "x"},
  };
  for (const auto& line : table) {
    const StoredSession row = row_at(line.from);
    SCOPED_TRACE(model::name_of(line.from));
    EXPECT_EQ(result_of(decide_operator_move(row, OperatorMove::approve)), line.approve);
    EXPECT_EQ(result_of(decide_operator_move(row, OperatorMove::reject)), line.reject);
    EXPECT_EQ(result_of(decide_operator_move(row, OperatorMove::disable)), line.disable);
    EXPECT_EQ(result_of(decide_operator_move(row, OperatorMove::enable)), line.enable);
    EXPECT_EQ(result_of(decide_operator_move(row, OperatorMove::remove)), line.remove);
  }
}

TEST(OperatorMoves, RepeatedGiveTheSame) {
  for (const SessionStatus from : kAll) {
    for (const auto move : {OperatorMove::approve, OperatorMove::reject, OperatorMove::disable, OperatorMove::enable,
                            OperatorMove::remove}) {
      const auto first = decide_operator_move(row_at(from), move);
      if (!first || !std::holds_alternative<Replace>(*first)) continue;
      EXPECT_EQ(result_of(decide_operator_move(std::get<Replace>(*first).row, move)), "=")
          << model::name_of(from) << " " << name_of(move);
    }
  }
}

TEST(OperatorMoves, RefusalsNameTheStatusAndWhatToDo) {
  const auto refused = decide_operator_move(row_at(rejected), OperatorMove::approve);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().field, "status");
  EXPECT_EQ(refused.error().error.what, "the session is REJECTED: delete it and add it anew");
}

TEST(OperatorMoves, KeepTheReasonOfARejection) {
  const auto verdict = decide_operator_move(row_at(pending), OperatorMove::reject, "no\nreply");
  EXPECT_EQ(std::get<Replace>(*verdict).row.last_error, "no reply");
}

TEST(AgentReports, AreObeyedOnlyAsLegalReportsOrRepetitions) {
  for (const SessionStatus from : kAll) {
    for (const SessionStatus to : kAll) {
      if (to == deleted) continue;
      const bool is_report = to == enabled || to == problem || to == teardown;
      const bool may = from == to || (is_report && model::is_legal_move(from, to));
      const auto verdict = decide_agent_report(row_at(from), static_cast<int>(to), "why");
      EXPECT_EQ(result_of(verdict), may ? model::name_of(to) : "-") << model::name_of(from);
      if (may) {
        EXPECT_EQ(std::get<Replace>(*verdict).row.last_error, "why");
      }
    }
  }
}

TEST(AgentReports, OfAnApprovalAreRefused) { EXPECT_EQ(result_of(decide_agent_report(row_at(pending), 4, "")), "-"); }

TEST(AgentReports, OfDeletionDropTheRowInAnyState) {
  for (const SessionStatus from : kAll) EXPECT_EQ(result_of(decide_agent_report(row_at(from), 0, "")), "x");
}

TEST(AgentReports, WithoutAnErrorClearIt) {
  EXPECT_EQ(std::get<Replace>(*decide_agent_report(row_at(problem), 2, "")).row.last_error, "");
}

RC_GTEST_PROP(AgentReports, OfUnknownNumbersAreRefused, (std::int64_t status)) {
  RC_PRE(status < 0 || status > 8);
  RC_ASSERT(!decide_agent_report(row_at(enabled), status, ""));
}

TEST(Edits, QueueWhatTheNodeHasSetUp) {
  EXPECT_EQ(*status_after_edit(row_at(enabled)), queued_for_setup);
  EXPECT_EQ(*status_after_edit(row_at(teardown)), queued_for_setup);
  EXPECT_EQ(*status_after_edit(row_at(pending)), pending);
  EXPECT_EQ(*status_after_edit(row_at(disabled)), disabled);
  EXPECT_FALSE(status_after_edit(row_at(queued_for_delete)));
  EXPECT_FALSE(status_after_edit(row_at(rejected)));
}

}  // namespace
}  // namespace moenet::controlplane
