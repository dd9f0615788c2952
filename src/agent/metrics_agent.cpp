// The series of the program itself: its tasks, its talk with the control plane, its plans.
#include <algorithm>

#include "agent/metrics_parts.h"

namespace moenet::agent::metrics {
namespace {

double number(std::uint64_t value) { return static_cast<double>(value); }

void collect_tasks(const MetricsSource& source, const FamilySink& sink) {
  Family runs = counter("moenet_agent_task_runs_total", "Runs of a task");
  Family failures = counter("moenet_agent_task_failures_total", "Runs that failed");
  Family rejected = counter("moenet_agent_task_rejected_total", "Answers that could not be right and were not taken");
  Family success = gauge("moenet_agent_task_last_success_timestamp_seconds", "When a run last went well");
  Family failure = gauge("moenet_agent_task_last_failure_timestamp_seconds", "When a run last failed");
  Family failing = gauge("moenet_agent_task_failing", "Whether the last run failed");
  Family durations = histogram("moenet_agent_task_duration_seconds", "How long runs took that did not wait for news");
  for (const auto& [name, record] : source.tasks) {
    const Labels labels{{"task", name}};
    runs.add(labels, number(record.runs));
    failures.add(labels, number(record.failures));
    rejected.add(labels, number(record.rejected));
    success.add(labels, unix_seconds(record.last_success));
    failure.add(labels, unix_seconds(record.last_failure));
    durations.add(labels, record.durations);
    failing.add(labels, record.last_failure > record.last_success ? 1 : 0);
  }
  for (Family* family : {&runs, &failures, &rejected, &success, &failure, &failing, &durations})
    std::move(*family).send(sink);
}

void collect_control_plane(const MetricsSource& source, const FamilySink& sink) {
  using State = http::CircuitBreaker::State;
  Family state = gauge("moenet_agent_breaker_state", "1 of the state that the circuit breaker is in, else 0");
  for (const State one : {State::closed, State::open, State::half_open})
    state.add({{"state", std::string(http::name_of(one))}}, source.breaker.state == one ? 1 : 0);
  std::move(state).send(sink);
  send_one(gauge("moenet_agent_breaker_failures", "Failed requests in a row"), source.breaker.failures_in_a_row, sink);
  send_one(counter("moenet_agent_requests_total", "Requests to the control plane, repetitions included"),
           number(source.requests.requests), sink);
  send_one(counter("moenet_agent_request_retries_total", "Repetitions of requests"), number(source.requests.retries),
           sink);
  send_one(counter("moenet_agent_request_failures_total", "Requests without an answer, and answers 5xx"),
           number(source.requests.failures), sink);
  send_one(counter("moenet_agent_requests_refused_total", "Requests that the open breaker did not let out"),
           number(source.requests.refused_by_breaker), sink);
}

void collect_transactions(const bird::TransactionCounters& counters, const FamilySink& sink) {
  Family transactions = counter("moenet_agent_bird_transactions_total", "Changes of BIRD's configuration as a whole");
  transactions.add({{"outcome", "configured"}}, number(counters.configured));
  transactions.add({{"outcome", "failed"}}, number(counters.failed));
  std::move(transactions).send(sink);
  send_one(counter("moenet_agent_bird_undone_total", "Failed ones that had to be taken back"),
           number(counters.taken_back), sink);
  send_one(counter("moenet_agent_bird_refused_files_total", "Files that BIRD refused"), number(counters.cut_out), sink);
}

void collect_guards(const NodeReport& report, const FamilySink& sink) {
  Family holds = gauge("moenet_agent_deletion_guard_holds", "Whether the deletion guard holds a list back");
  holds.add({{"list", "sessions"}}, report.guard.holds ? 1 : 0);
  holds.add({{"list", "mesh"}}, report.mesh_guard.holds ? 1 : 0);
  std::move(holds).send(sink);
}

void collect_steps(const NodeReport& report, const FamilySink& sink) {
  send_one(gauge("moenet_agent_last_step_timestamp_seconds", "When the reconciler last ended a step"),
           unix_seconds(report.finished), sink);
  send_one(gauge("moenet_agent_last_step_cpu_seconds", "CPU that this step took"),
           std::chrono::duration<double>(report.cpu).count(), sink);
  const StepCounters& counters = report.counters;
  send_one(counter("moenet_agent_steps_total", "Steps of the reconciler"), number(counters.steps), sink);
  send_one(counter("moenet_agent_failed_looks_total", "Steps that could not look at the node"),
           number(counters.failed_looks), sink);
  send_one(counter("moenet_agent_actions_total", "Actions that steps planned"), number(counters.planned), sink);
  send_one(counter("moenet_agent_action_failures_total", "Of those, actions that failed"), number(counters.failed),
           sink);
  Family actions = gauge("moenet_agent_last_plan_actions", "Actions of this step's plan");
  actions.add({{"outcome", "done"}}, number(report.step.planned - std::min(report.step.planned, report.step.failed)));
  actions.add({{"outcome", "failed"}}, number(report.step.failed));
  std::move(actions).send(sink);
}

}  // namespace

void collect_agent(const MetricsSource& source, const FamilySink& sink) {
  std::move(gauge("moenet_agent_build_info", "1, with the version of the program")
                .add({{"version", std::string(source.version)}}, 1))
      .send(sink);
  send_one(gauge("moenet_agent_start_timestamp_seconds", "When the agent started, or last read its configuration"),
           unix_seconds(source.now) - std::chrono::duration<double>(source.uptime).count(), sink);
  collect_tasks(source, sink);
  collect_control_plane(source, sink);
  collect_transactions(source.transactions, sink);
  if (source.input != nullptr && source.input->answer != nullptr)
    send_one(gauge("moenet_agent_sessions_from_control_plane",
                   "1 when the list of sessions is the control plane's, 0 when it is the last good one from the disk"),
             source.input->number != 0 ? 1 : 0, sink);
  if (source.report == nullptr) return;
  collect_guards(*source.report, sink);
  collect_steps(*source.report, sink);
}

}  // namespace moenet::agent::metrics
