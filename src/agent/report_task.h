// reportTask: tells the control plane what has become of each session. Level-based: it compares what the control plane
// holds with what the node shows, so nothing is lost by a failure, a restart or a repetition.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "agent/control_plane.h"
#include "agent/health.h"
#include "agent/ledger.h"
#include "agent/reconcile_task.h"
#include "base/backoff.h"
#include "base/latest.h"

namespace moenet::agent {

inline constexpr std::string_view kReportTask = "reportTask";

// Which reports are due: what was settled for a row as it is now held is not told again, and what failed waits. Pure.
class ReportMemory {
 public:
  // The modifications that `report` asks for, without those that are settled or wait for their next attempt. None when
  // it was made of rows from the disk.
  std::vector<Modification> due(const NodeReport& report, const HealthTable& health, SteadyTime now);
  // What the server said of it: settled() or failed().
  void answered(const Modification& modification, const Result<void>& outcome, std::uint64_t latest_answer,
                SteadyTime now, double fraction);
  // The server took it, or refused it in a way that a repetition would not change. `latest_answer` is the newest
  // SessionInput::number.
  void settled(const Modification& modification, std::uint64_t latest_answer);
  // It is tried again after a pause that grows; `fraction` in [0,1] is the jitter. DELETED drops the row in whatever
  // state it is by then (wire contract A5), so it is repeated only when an answer newer than `latest_answer` still asks
  // for it.
  void failed(const Modification& modification, std::uint64_t latest_answer, SteadyTime now, double fraction);
  // When the first one that waits longer than until `now` is due; absent when none does. `now` as of due(): what that
  // held back although its time had come waits for another report.
  std::optional<SteadyTime> next_due(SteadyTime now) const;

 private:
  struct Told {
    std::optional<std::int64_t> held_status;
    SharedText held_error;
    model::StatusReport report;
    std::optional<std::uint64_t> settled_at;  // the newest answer at that moment
    unsigned failures = 0;
    SteadyTime not_before{};
    std::optional<std::uint64_t> needs_answer_after;

    bool is_about_the_same(const Told& other) const {
      return held_status == other.held_status && held_error == other.held_error && report == other.report;
    }
  };
  std::map<model::SessionId, Told> told_;
};

class ReportTask {
 public:
  // `on_told`: the control plane has taken it.
  ReportTask(ControlPlane& control_plane, TaskLedger& ledger, Latest<NodeReport>& report, Latest<SessionInput>& input,
             const Latest<HealthTable>& health, Wakeup& wakeup, std::function<void(const Modification&)> on_told)
      : control_plane_(control_plane),
        ledger_(ledger),
        report_(report),
        input_(input),
        health_(health),
        wakeup_(wakeup),
        on_told_(std::move(on_told)) {}

  void run(const std::stop_token& stop);

 private:
  void send(const std::vector<Modification>& due, const std::stop_token& stop);

  ControlPlane& control_plane_;
  TaskLedger& ledger_;
  Latest<NodeReport>& report_;
  Latest<SessionInput>& input_;
  const Latest<HealthTable>& health_;
  Wakeup& wakeup_;
  std::function<void(const Modification&)> on_told_;
  ReportMemory memory_;
};

}  // namespace moenet::agent
