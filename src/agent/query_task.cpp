#include "agent/query_task.h"

#include <algorithm>
#include <utility>

#include "agent/fetch_loop.h"
#include "base/backoff.h"
#include "base/latest.h"
#include "base/log.h"

namespace moenet::agent {
namespace {

// Chosen: more than can come within the time that a query is open.
constexpr std::size_t kMostKnown = 256;
// A proxy on the way may cut a read that waits; a server that restarts looks the same (as in FetchLoop).
constexpr std::chrono::seconds kShortestWait{10};
constexpr std::chrono::minutes kWaitLonger{10};
constexpr Backoff kPause{std::chrono::seconds(1), std::chrono::seconds(60)};

}  // namespace

void QueryTask::pause(std::chrono::milliseconds span, const std::stop_token& stop) {
  Wakeup never;
  never.wait(Deadline::after(span), stop);
}

bool QueryTask::is_new(const std::string& id) {
  if (std::ranges::find(known_, id) != known_.end()) return false;
  known_.push_back(id);
  if (known_.size() > kMostKnown) known_.pop_front();
  return true;
}

// Once: who asked does not wait for long, and asks again.
void QueryTask::send(const std::string& id, const std::string& body) {
  const auto sent = wiring_.control_plane.answer_query(id, body, wiring_.stop);
  if (!sent && sent.error().code != Errc::cancelled)
    log::debug("an answer to a query was not taken", {{"query", id}, {"error", sent.error().what}});
}

void QueryTask::take(Query query) {
  if (!is_new(query.id)) return;
  if (!query.question) return send(query.id, query_refusal(query.question.error()));
  const SteadyTime now = steady_now();
  const auto done = [this, id = query.id](const Result<std::string>& answer) {
    send(id, answer ? *answer : query_refusal(answer.error()));
  };
  const auto wait = wiring_.tools.ask(std::move(*query.question), now, done, now + query.left);
  if (wait) send(query.id, query_limit(*wait));
}

Result<void> QueryTask::read_once(const std::stop_token& stop) {
  TRY(const std::string body, wiring_.control_plane.fetch_queries(wait_, stop));
  TRY(auto queries, read_queries(body, wiring_.settings));
  for (Query& query : queries) take(std::move(query));
  return {};
}

void QueryTask::record(const Result<void>& outcome) {
  if (!outcome && outcome.error().code == Errc::invalid) {
    wiring_.ledger.record_rejected(kQueryTask, outcome.error());
  } else {
    wiring_.ledger.record(kQueryTask, outcome);
  }
  const std::string error = outcome ? "" : outcome.error().what;
  if (!outcome && error != last_error_)
    log::warning("queries cannot be fetched from the control plane", {{"error", error}});
  if (outcome && !last_error_.empty()) log::info("queries can be fetched from the control plane again");
  last_error_ = error;
}

void QueryTask::run(const std::stop_token& stop) {
  unsigned failures = 0;
  while (!stop.stop_requested()) {
    if (!wiring_.control_plane.offers_queries()) {
      pause(wiring_.pace.unasked, stop);
      continue;
    }
    const auto asked = steady_now();
    if (asked >= wait_longer_at_) wait_ = kWait;
    const auto outcome = read_once(stop);
    if (!outcome && outcome.error().code == Errc::cancelled) continue;
    record(outcome);
    if (outcome) {
      failures = 0;
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(asked + wiring_.pace.floor - steady_now());
      if (left.count() > 0) pause(left, stop);
      continue;
    }
    wait_ = std::max(wait_ / 2, kShortestWait);
    wait_longer_at_ = steady_now() + kWaitLonger;
    pause(std::max(wiring_.pace.floor, kPause.delay(failures++, random_fraction())), stop);
  }
}

}  // namespace moenet::agent
