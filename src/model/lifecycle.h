// The session lifecycle (wire contract A3): what a status asks of the agent, which moves are legal, and what to report.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "model/session.h"

namespace moenet::model {

// May a row move from one status to another? A repetition of the same status is always legal.
bool is_legal_move(SessionStatus from, SessionStatus to);

// What a row asks for on the node.
enum class Intent : std::uint8_t {
  present,    // set it up and keep it so
  absent,     // remove what there is
  untouched,  // neither create, change nor remove
};

// The intent of a status as sent; nullopt and unknown numbers are untouched.
Intent intent_of(std::optional<std::int64_t> status);

// What has become of a session on the node after a reconcile.
struct InPlace {};                           // link, peer and BIRD configuration are as wanted
struct Removed {};                           // nothing of it is left
struct Broken { std::string cause; };        // valid, but it cannot work now; tried again
struct Invalid { std::string cause; };       // it can never work as it is; its local state is gone
struct Unchanged {};                         // nothing was done and nothing is claimed
using Condition = std::variant<InPlace, Removed, Broken, Invalid, Unchanged>;

struct StatusReport {
  SessionStatus status = SessionStatus::enabled;
  std::string last_error;  // empty clears it at the control plane; at most 255 characters, no NUL (A5)

  friend bool operator==(const StatusReport&, const StatusReport&) = default;
};

// What to tell the control plane about a row that it holds at `held` with `held_error`, or nothing. Only legal moves are proposed:
// an invalid row at ENABLED is reported as PROBLEM first, and as TEARDOWN once the row says PROBLEM.
std::optional<StatusReport> report_for(std::optional<std::int64_t> held, const std::string& held_error, const Condition& condition);

// A text cut for `lastError`: at most 255 characters, on one line, valid UTF-8, no control characters.
std::string fit_last_error(std::string_view text);

}  // namespace moenet::model
