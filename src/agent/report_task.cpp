#include "agent/report_task.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"

namespace moenet::agent {
namespace {

// The client has repeated the request already; these are the waits between its attempts as a whole.
const Backoff kRetry{std::chrono::seconds(5), std::chrono::minutes(5)};
constexpr std::chrono::hours kNothingDue{1};

// An answer that was under way when a report was settled may still show the old row; the one after it does not.
constexpr std::uint64_t kAnswersUnderWay = 1;

bool is_final(const Error& error) { return error.code == Errc::invalid || error.code == Errc::not_found; }

}  // namespace

std::vector<Modification> ReportMemory::due(const NodeReport& report, const HealthTable& health, SteadyTime now) {
  std::vector<Modification> due;
  // Rows from the disk may be days old, and of a look that failed nothing is known.
  if (report.answer == 0 || report.error) return due;
  std::map<model::SessionId, Told> still_told;
  for (const SessionView& session : *report.sessions) {
    auto wanted = model::report_for(session.held_status, session.held_error, told_condition(session, health));
    if (!wanted) continue;
    Told told{session.held_status, session.held_error, *wanted, {}, 0, {}, {}};
    const auto before = told_.find(session.uuid);
    if (before != told_.end() && before->second.is_about_the_same(told)) told = before->second;
    const bool is_settled = told.settled_at && report.answer <= *told.settled_at + kAnswersUnderWay;
    if (told.needs_answer_after && report.answer > *told.needs_answer_after) told.needs_answer_after.reset();
    if (!is_settled && !told.needs_answer_after && told.not_before <= now)
      due.push_back({session.uuid, std::move(*wanted)});
    still_told.emplace(session.uuid, std::move(told));
  }
  told_ = std::move(still_told);
  return due;
}

void ReportMemory::answered(const Modification& modification, const Result<void>& outcome, std::uint64_t latest_answer,
                            SteadyTime now, double fraction) {
  if (outcome || is_final(outcome.error())) {
    settled(modification, latest_answer);
  } else {
    failed(modification, latest_answer, now, fraction);
  }
}

void ReportMemory::settled(const Modification& modification, std::uint64_t latest_answer) {
  const auto told = told_.find(modification.session);
  if (told == told_.end() || !(told->second.report == modification.report)) return;
  told->second.settled_at = latest_answer;
  told->second.failures = 0;
  told->second.not_before = {};
}

void ReportMemory::failed(const Modification& modification, std::uint64_t latest_answer, SteadyTime now,
                          double fraction) {
  const auto told = told_.find(modification.session);
  if (told == told_.end()) return;
  if (modification.report.status == model::SessionStatus::deleted) told->second.needs_answer_after = latest_answer;
  told->second.not_before = now + kRetry.delay(told->second.failures++, 0.5 + fraction / 2);
}

std::optional<SteadyTime> ReportMemory::next_due(SteadyTime now) const {
  std::optional<SteadyTime> next;
  for (const auto& [uuid, told] : told_) {
    if (told.failures == 0 || told.needs_answer_after || told.not_before <= now) continue;
    if (!next || told.not_before < *next) next = told.not_before;
  }
  return next;
}

void ReportTask::send(const std::vector<Modification>& due, const std::stop_token& stop) {
  const auto began = steady_now();
  const auto outcomes = control_plane_.modify(due, stop);
  const auto took = (steady_now() - began) / due.size();  // of each, in the mean
  const auto input = input_.read();
  const std::uint64_t latest_answer = input ? input->number : 0;
  for (std::size_t i = 0; i < due.size(); ++i) {
    const auto& [session, report] = due[i];
    ledger_.record(kReportTask, outcomes[i], took);
    if (outcomes[i]) {
      log::info("reported", {{"session", session}, {"status", name_of(report.status)}, {"cause", report.last_error}});
      on_told_(due[i]);
    } else {
      log::warning("report failed",
                   {{"session", session}, {"status", name_of(report.status)}, {"error", outcomes[i].error().what}});
    }
    memory_.answered(due[i], outcomes[i], latest_answer, steady_now(), random_fraction());
  }
}

void ReportTask::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto now = steady_now();
    if (const auto report = report_.read()) {
      const auto health = health_.read();
      const auto due = memory_.due(*report, health != nullptr ? *health : HealthTable{}, now);
      if (!due.empty()) send(due, stop);
    }
    wakeup_.wait(Deadline(memory_.next_due(now).value_or(now + kNothingDue)), stop);
  }
}

}  // namespace moenet::agent
