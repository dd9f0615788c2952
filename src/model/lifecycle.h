// The session lifecycle (wire contract A3): what a status asks of the agent, which moves are legal, and what to report.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
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
struct InPlace {  // link, peer and BIRD configuration are as wanted
  friend bool operator==(const InPlace&, const InPlace&) = default;
};
struct Removed {  // nothing of it is left
  friend bool operator==(const Removed&, const Removed&) = default;
};
struct Broken {  // valid, but it cannot work now; tried again
  SharedText cause;
  friend bool operator==(const Broken&, const Broken&) = default;
};
struct Invalid {  // it can never work as it is; its local state is gone
  SharedText cause;
  friend bool operator==(const Invalid&, const Invalid&) = default;
};
struct Unchanged {  // nothing was done and nothing is claimed
  friend bool operator==(const Unchanged&, const Unchanged&) = default;
};
using Condition = std::variant<InPlace, Removed, Broken, Invalid, Unchanged>;

struct StatusReport {
  SessionStatus status = SessionStatus::enabled;
  std::string last_error;  // empty clears it at the control plane; at most 255 characters, no NUL (A5)

  friend bool operator==(const StatusReport&, const StatusReport&) = default;
};

// What to tell the control plane about a row that it holds at `held` with `held_error`, or nothing. Only legal moves
// are proposed: an invalid row at ENABLED is reported as PROBLEM first, and as TEARDOWN once the row says PROBLEM. A
// report that would change nothing at the control plane is none; an ENABLED row that works and still shows an error is
// reported, which clears the error. Rows in the other states, of no known status, or queued for a removal that fails,
// get no report.
std::optional<StatusReport> report_for(std::optional<std::int64_t> held, std::string_view held_error,
                                       const Condition& condition);

// A text cut for `lastError`: at most 255 characters (and UTF-16 units), on one line, valid UTF-8, no control
// characters; a cut text ends in an ellipsis. Fitting twice changes nothing.
std::string fit_last_error(std::string_view text);

}  // namespace moenet::model
