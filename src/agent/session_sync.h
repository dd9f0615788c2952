// sessionSyncTask: fetches the sessions and publishes them. It never touches the node; what an answer means is
// reconcileTask's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/fetch_loop.h"
#include "agent/state_file.h"
#include "base/latest.h"
#include "model/session_json.h"
#include "model/session_text.h"

namespace moenet::agent {

inline constexpr std::string_view kSessionSyncTask = "sessionSyncTask";

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

// The state file's sessions, so that a node without its control plane comes up as it was.
void put_last_good(StateFile kept, Latest<SessionInput>& input);

class SessionSync {
 public:
  SessionSync(ControlPlane& control_plane, TaskLedger& ledger, Latest<SessionInput>& input, Wakeup& reconcile,
              std::chrono::seconds interval);

  void run(const std::stop_token& stop) { loop_.run(stop); }
  // As FetchLoop::request(); a SessionInput::sync not smaller answers it. Thread-safe.
  std::uint64_t request() { return loop_.request(); }
  FetchLoop& loop() { return loop_; }  // for who drives it without run()

 private:
  Result<bool> take(std::string body);
  void publish(std::uint64_t sync, const std::string& error);

  Latest<SessionInput>& input_;
  Wakeup& reconcile_;
  std::shared_ptr<const SessionAnswer> answer_;
  std::uint64_t answers_ = 0;
  FetchLoop loop_;
};

}  // namespace moenet::agent
