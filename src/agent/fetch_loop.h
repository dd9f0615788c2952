// FetchLoop: keeps one answer of the control plane fresh. Where the server offers it, a request waits at the server for
// the next change; else it polls: each poll asks to wait, and an early answer that says nothing new is followed by the
// pause of a poll. What an answer means is the caller's business.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "agent/control_plane.h"
#include "agent/ledger.h"
#include "base/latest.h"

namespace moenet::agent {

// How long a read may wait at the server: below the 55 s that the contract allows (B2), and below the 60 s after which
// many proxies cut an idle request.
inline constexpr std::chrono::seconds kWait{50};

struct FetchWiring {
  std::string_view task;  // its name in the ledger
  TaskLedger& ledger;
  std::chrono::seconds interval;
  std::function<Result<Fetched>(const std::string& etag, std::chrono::seconds wait, const std::stop_token&)> fetch;
  // A body that may differ from the last one. True when it says something new. Errors: invalid, which is counted as
  // rejected data.
  std::function<Result<bool>(std::string body)> take;
  // After each answer, also "not modified", and after a failure that somebody waits for; `sync` as of
  // FetchLoop::request.
  std::function<void(std::uint64_t sync, const std::string& error)> publish;
};

// One read, as a FetchLoop wants it.
struct FetchQuestion {
  std::uint64_t sync = 0;        // the last request that it answers
  std::string etag;              // of the last answer; empty: none
  std::chrono::seconds wait{0};  // how long it may wait at the server
  SteadyTime asked{};
  bool is_awaited = false;  // somebody waits for it, also when it fails
};

class FetchLoop {
 public:
  explicit FetchLoop(FetchWiring wiring) : wiring_(std::move(wiring)) {}

  void run(const std::stop_token& stop);

  // What run() does around each read: the next one, and what came of it. The latter returns when to ask again, unless
  // request() comes before; `fraction` in [0,1] is the jitter. Of a read that was cancelled nothing is told here.
  FetchQuestion ask(SteadyTime now) const;
  SteadyTime answer(const FetchQuestion& question, Result<Fetched> fetched, SteadyTime now, double fraction);

  // Asks for a fetch now, also when a waiting read is under way. Returns the request's number: a publication whose
  // `sync` is not smaller answers it. Thread-safe.
  std::uint64_t request();

 private:
  // A waiting read may be cut on the way: then each next one waits less, down to none.
  std::chrono::seconds wait_at(SteadyTime now) const { return now >= wait_longer_at_ ? kWait : wait_; }
  Result<Fetched> fetch(FetchQuestion& question, const std::stop_token& stop);
  Result<bool> take(const FetchQuestion& question, Result<Fetched> fetched, SteadyTime now);
  std::optional<std::stop_source> begin_waiting(std::uint64_t sync);
  void record(const Result<bool>& outcome, std::optional<SteadyTime::duration> took);
  void wait_less(SteadyTime now);
  void pause(SteadyTime end, std::uint64_t sync, const std::stop_token& stop);
  void publish(std::uint64_t sync, const std::string& error);

  FetchWiring wiring_;
  Wakeup requested_;
  std::atomic<std::uint64_t> requests_{0};
  std::mutex mutex_;          // guards waiting_: request() comes from the API's thread
  std::stop_source waiting_;  // ends the read that waits at the server

  std::string last_error_;                  // as logged last; empty when there is none
  std::string etag_;                        // of the last answer that was taken
  std::optional<std::uint64_t> published_;  // the `sync` of the last publication
  std::chrono::seconds wait_ = kWait;       // less where waiting reads are cut; 0: they are not tried
  SteadyTime wait_longer_at_{};             // when to forget that
  bool is_cut_ = false;                     // the last read, while it waited; a plain one tells whose fault that is
};

}  // namespace moenet::agent
