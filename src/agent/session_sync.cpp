#include "agent/session_sync.h"

#include <algorithm>

#include <boost/json/value.hpp>

#include "base/backoff.h"
#include "base/log.h"

namespace moenet::agent {
namespace {

// Below the 55 s that the contract allows (B2), and below the 60 s after which many proxies cut an idle request.
constexpr std::chrono::seconds kWait{50};
constexpr std::chrono::seconds kServerDidNotWait{kWait / 2};

}  // namespace

Result<SessionAnswer> read_answer(std::string body) {
  SessionAnswer answer;
  TRY(const auto data, model::read_envelope(body));
  TRY(answer.rows, model::read_sessions(data));
  for (const auto& row : answer.rows) answer.all_identified = answer.all_identified && !row.uuid.empty();
  const auto repeated = std::ranges::adjacent_find(answer.rows, {}, &model::SessionRow::uuid);
  answer.body = std::move(body);
  if (answer.all_identified && repeated == answer.rows.end()) answer.text = model::SessionText::of(answer.body);
  return answer;
}

bool says_the_same(const SessionAnswer& answer, std::string_view body) {
  if (answer.body == body) return true;
  if (!answer.text || answer.body.size() != body.size()) return false;
  const auto text = model::SessionText::of(body);
  return text && answer.text->says_the_same(answer.body, *text, body);
}

std::uint64_t SessionSync::request() {
  const std::uint64_t number = ++requests_;
  {
    const std::lock_guard lock(mutex_);
    waiting_.request_stop();
  }
  requested_.notify();
  return number;
}

void SessionSync::publish(std::shared_ptr<const SessionAnswer> answer, std::uint64_t sync, std::string sync_error) {
  input_.put(SessionInput{std::move(answer), answers_, sync, std::move(sync_error)});
  reconcile_.notify();
}

Result<void> SessionSync::fetch_once(std::uint64_t sync, std::chrono::seconds wait, const std::stop_token& stop) {
  const auto asked = steady_now();
  auto fetched = control_plane_.fetch_sessions(answer_ ? etag_ : "", wait, stop);
  if (!fetched) return std::unexpected(fetched.error());
  if (fetched->not_modified) {
    server_waits_ = wait.count() == 0 || steady_now() - asked > kServerDidNotWait;
  } else if (answer_ == nullptr || !says_the_same(*answer_, fetched->body)) {
    auto answer = read_answer(std::move(fetched->body));
    if (!answer) return std::unexpected(with_context(answer.error(), "fetch sessions"));
    answer_ = std::make_shared<const SessionAnswer>(std::move(*answer));
  }
  if (!fetched->not_modified) {
    etag_ = fetched->etag;
    server_waits_ = !etag_.empty();
  }
  ++answers_;
  publish(answer_, sync, "");
  return {};
}

// Registers a read that waits at the server, so that request() can end it. Absent when a request came meanwhile.
std::optional<std::stop_source> SessionSync::begin_waiting(std::uint64_t sync) {
  const std::lock_guard lock(mutex_);
  if (requests_ != sync) return std::nullopt;
  waiting_ = std::stop_source();
  return waiting_;
}

void SessionSync::record(const Result<void>& outcome) {
  if (!outcome && outcome.error().code == Errc::invalid) {
    ledger_.record_rejected(kSessionSyncTask, outcome.error());
  } else {
    ledger_.record(kSessionSyncTask, outcome);
  }
  if (!outcome) log::warning("session sync failed; the last good state stays", {{"error", outcome.error().what}});
}

void SessionSync::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const std::uint64_t sync = requests_;
    const auto last = input_.read();
    const bool is_asked = last != nullptr && sync > last->sync;
    std::optional<std::stop_source> waiting;
    if (answer_ && server_waits_ && !is_asked) waiting = begin_waiting(sync);
    Result<void> outcome;
    if (waiting) {
      const std::stop_callback forward(stop, [&] { waiting->request_stop(); });
      outcome = fetch_once(sync, kWait, waiting->get_token());
    } else {
      outcome = fetch_once(sync, std::chrono::seconds(0), stop);
    }
    if (!outcome && outcome.error().code == Errc::cancelled) continue;  // the stop, or a request that ended the waiting
    record(outcome);
    if (!outcome && (is_asked || last == nullptr)) publish(last ? last->answer : nullptr, sync, outcome.error().what);
    if (outcome && server_waits_) continue;
    const auto jitter = std::chrono::duration_cast<std::chrono::milliseconds>(interval_ * (random_fraction() * 0.1));
    requested_.wait(Deadline::after(interval_ - jitter), stop);
  }
}

}  // namespace moenet::agent
