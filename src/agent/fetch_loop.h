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

class FetchLoop {
 public:
  explicit FetchLoop(FetchWiring wiring) : wiring_(std::move(wiring)) {}

  void run(const std::stop_token& stop);

  // Asks for a fetch now, also when a waiting read is under way. Returns the request's number: a publication whose
  // `sync` is not smaller answers it. Thread-safe.
  std::uint64_t request();

 private:
  struct Read {
    Result<bool> outcome;  // of fetch_once
    bool waited;           // it was asked to wait at the server
  };

  bool can_wait() const { return !etag_.empty() && wait_.count() > 0; }
  Result<bool> fetch_once(std::uint64_t sync, std::chrono::seconds wait, const std::stop_token& stop);
  Read read(std::uint64_t sync, bool may_wait, const std::stop_token& stop);
  std::optional<std::stop_source> begin_waiting(std::uint64_t sync);
  void record(const Result<bool>& outcome, std::optional<SteadyTime::duration> took);
  void wait_less();
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
};

}  // namespace moenet::agent
