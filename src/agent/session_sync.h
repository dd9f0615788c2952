// sessionSyncTask: fetches the sessions and publishes them. It never touches the node; what an answer means is
// reconcileTask's. Where the server offers it, a request waits at the server for the next change; else it polls: each
// poll asks to wait, and an early answer that says nothing new is followed by the pause of a poll.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/control_plane.h"
#include "agent/ledger.h"
#include "base/latest.h"
#include "model/session_json.h"
#include "model/session_text.h"

namespace moenet::agent {

inline constexpr std::string_view kSessionSyncTask = "sessionSyncTask";

// How long a read may wait at the server: below the 55 s that the contract allows (B2), and below the 60 s after which
// many proxies cut an idle request.
inline constexpr std::chrono::seconds kWait{50};

// A complete answer of the control plane.
struct SessionAnswer {
  std::vector<model::SessionRow> rows;  // sorted by uuid
  bool all_identified = true;           // every row had a readable uuid: only then may absence mean deletion
  // The envelope as it came, for the state file. Who has written it there puts null: 10,000 rows are 4 MB.
  std::shared_ptr<Latest<std::string>> body = std::make_shared<Latest<std::string>>();
  std::optional<model::SessionText> text;  // absent when the order of the rows may matter
};

// What reconcileTask works from.
struct SessionInput {
  std::shared_ptr<const SessionAnswer> answer;  // the same object while the control plane says "not modified"
  std::uint64_t number = 0;                     // counts answers, repetitions included; 0: from the state file
  std::uint64_t sync = 0;                       // the last sync request that this answers
  std::string sync_error;                       // why that fetch failed; the answer is then the last good one
};

// Errors: those of model::read_envelope and model::read_sessions.
Result<SessionAnswer> read_answer(std::string body);
// Would reading `body` give the same rows? Lists have no stable order (wire contract A1), which changes nothing.
bool says_the_same(const SessionAnswer& answer, std::string_view body);

class SessionSync {
 public:
  SessionSync(ControlPlane& control_plane, TaskLedger& ledger, Latest<SessionInput>& input, Wakeup& reconcile,
              std::chrono::seconds interval)
      : control_plane_(control_plane), ledger_(ledger), input_(input), reconcile_(reconcile), interval_(interval) {}

  void run(const std::stop_token& stop);

  // Asks for a fetch now, also when a waiting read is under way. Returns the request's number, which a
  // SessionInput::sync not smaller answers. Thread-safe.
  std::uint64_t request();

 private:
  struct Read {
    Result<bool> outcome;  // of fetch_once
    bool waited;           // it was asked to wait at the server
  };

  bool can_wait() const { return answer_ != nullptr && !etag_.empty() && wait_.count() > 0; }
  Result<bool> fetch_once(std::uint64_t sync, std::chrono::seconds wait, const std::stop_token& stop);
  Read read(std::uint64_t sync, bool may_wait, const std::stop_token& stop);
  std::optional<std::stop_source> begin_waiting(std::uint64_t sync);
  void record(const Result<bool>& outcome);
  void wait_less();
  void pause(SteadyTime end, std::uint64_t sync, const std::stop_token& stop);
  void publish(std::shared_ptr<const SessionAnswer> answer, std::uint64_t sync, std::string sync_error);

  ControlPlane& control_plane_;
  TaskLedger& ledger_;
  Latest<SessionInput>& input_;
  Wakeup& reconcile_;
  std::chrono::seconds interval_;

  Wakeup requested_;
  std::atomic<std::uint64_t> requests_{0};
  std::mutex mutex_;          // guards waiting_: request() comes from the API's thread
  std::stop_source waiting_;  // ends the read that waits at the server

  std::string etag_;
  std::shared_ptr<const SessionAnswer> answer_;
  std::uint64_t answers_ = 0;
  std::chrono::seconds wait_ = kWait;  // less where waiting reads are cut; 0: they are not tried
  SteadyTime wait_longer_at_{};        // when to forget that
};

}  // namespace moenet::agent
