#include "agent/fetch_loop.h"

#include <algorithm>
#include <utility>

#include <sodium.h>

#include "base/backoff.h"
#include "base/log.h"

namespace moenet::agent {
namespace {

// A proxy on the way may cut a read that waits: then each next one waits half as long, below this none waits. A server
// that restarts looks the same, so before long a waiting read is tried again (all chosen).
constexpr std::chrono::seconds kShortestWait{10};
constexpr std::chrono::minutes kWaitLonger{10};

// Between two reads, whatever the server answers; only an operator's request is quicker. Chosen: a server that does not
// wait although it was asked to costs no more than this until that is known, and an approval still arrives within 2 s.
constexpr std::chrono::seconds kFloor{1};

// JSON's parser leaves keys and passwords there (seen: 14 KB below the thread's start). Chosen.
constexpr std::size_t kParserStack = 32u << 10;

bool may_be_cut(const Error& error) { return error.code == Errc::unavailable || error.code == Errc::timeout; }

}  // namespace

std::uint64_t FetchLoop::request() {
  const std::uint64_t number = ++requests_;
  {
    const std::lock_guard lock(mutex_);
    waiting_.request_stop();
  }
  requested_.notify();
  return number;
}

void FetchLoop::publish(std::uint64_t sync, const std::string& error) {
  published_ = sync;
  wiring_.publish(sync, error);
}

FetchQuestion FetchLoop::ask(SteadyTime now) const {
  FetchQuestion question{requests_, etag_, std::chrono::seconds(0), now, false};
  question.is_awaited = !published_ || question.sync > *published_;
  const bool is_asked = published_ && question.is_awaited;
  if (!etag_.empty() && !is_asked && !is_cut_) question.wait = wait_at(now);
  return question;
}

// True when the server does as it was asked: it answers when there is something new, and waits when there is not.
Result<bool> FetchLoop::take(const FetchQuestion& question, Result<Fetched> fetched, SteadyTime now) {
  if (!fetched) return std::unexpected(fetched.error());
  bool is_new = false;
  if (!fetched->not_modified) {
    auto taken = wiring_.take(std::move(fetched->body));
    ::sodium_stackzero(kParserStack);
    TRY(is_new, std::move(taken));
    etag_ = fetched->etag;
  }
  publish(question.sync, "");
  return is_new || now - question.asked >= question.wait / 2;
}

// Registers a read that waits at the server, so that request() can end it. Absent when a request came meanwhile.
std::optional<std::stop_source> FetchLoop::begin_waiting(std::uint64_t sync) {
  const std::lock_guard lock(mutex_);
  if (requests_ != sync) return std::nullopt;
  waiting_ = std::stop_source();
  return waiting_;
}

// It does not wait when a request came meanwhile.
Result<Fetched> FetchLoop::fetch(FetchQuestion& question, const std::stop_token& stop) {
  auto waiting = question.wait.count() > 0 ? begin_waiting(question.sync) : std::nullopt;
  if (!waiting) {
    question.wait = {};
    return wiring_.fetch(question.etag, question.wait, stop);
  }
  const std::stop_callback forward(stop, [&] { waiting->request_stop(); });
  return wiring_.fetch(question.etag, question.wait, waiting->get_token());
}

// `took` is absent of a read that the server held.
void FetchLoop::record(const Result<bool>& outcome, std::optional<SteadyTime::duration> took) {
  if (!outcome && outcome.error().code == Errc::invalid) {
    wiring_.ledger.record_rejected(wiring_.task, outcome.error());
  } else {
    wiring_.ledger.record(wiring_.task, outcome ? Result<void>{} : std::unexpected(outcome.error()), took);
  }
  const std::string error = outcome ? "" : outcome.error().what;
  if (!outcome && error != last_error_) {
    log::warning("a fetch from the control plane failed; the last good state stays",
                 {{"task", wiring_.task}, {"error", error}});
  }
  if (outcome && !last_error_.empty()) log::info("fetches from the control plane work again", {{"task", wiring_.task}});
  last_error_ = error;
}

// The read that waited was cut and the plain one after it was not: it was the waiting.
void FetchLoop::wait_less(SteadyTime now) {
  wait_ = wait_at(now) / 2;
  if (wait_ < kShortestWait) wait_ = std::chrono::seconds(0);
  wait_longer_at_ = now + kWaitLonger;
  log::info("a read that waits at the control plane is cut on the way; the next ones wait less",
            {{"task", wiring_.task}, {"seconds", wait_.count()}});
}

// Until `end`, or until there is a request that `sync` does not count.
void FetchLoop::pause(SteadyTime end, std::uint64_t sync, const std::stop_token& stop) {
  const Deadline deadline(end);
  while (requests_ == sync && !deadline.passed() && !stop.stop_requested()) requested_.wait(deadline, stop);
}

SteadyTime FetchLoop::answer(const FetchQuestion& question, Result<Fetched> fetched, SteadyTime now, double fraction) {
  const bool waited = question.wait.count() > 0;
  const auto outcome = take(question, std::move(fetched), now);
  if (waited && !outcome && may_be_cut(outcome.error())) {
    is_cut_ = true;
    return question.asked + kFloor;
  }
  if (std::exchange(is_cut_, false) && outcome) wait_less(now);
  record(outcome, waited ? std::nullopt : std::optional(now - question.asked));
  if (!outcome && question.is_awaited) publish(question.sync, outcome.error().what);
  if (outcome && *outcome && !etag_.empty() && wait_at(now).count() > 0) return question.asked + kFloor;
  const auto jitter = std::chrono::duration_cast<std::chrono::milliseconds>(wiring_.interval * (fraction * 0.1));
  return now + std::max<std::chrono::milliseconds>(wiring_.interval - jitter, kFloor);
}

void FetchLoop::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    FetchQuestion question = ask(steady_now());
    auto fetched = fetch(question, stop);
    // By the stop, or by a request that ended the waiting.
    if (!fetched && fetched.error().code == Errc::cancelled) continue;
    const SteadyTime next = answer(question, std::move(fetched), steady_now(), random_fraction());
    pause(next, question.sync, stop);
  }
}

}  // namespace moenet::agent
