// Which status a row gets: by what an operator asks for and by what a node reports. Only legal moves
// (model/lifecycle.h); where an operator's wish needs several, they are made at once and only the last is ever seen.
// Pure; carried out by Store::change_sessions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "controlplane/store.h"

namespace moenet::controlplane {

enum class OperatorMove : std::uint8_t { approve, reject, disable, enable, remove };
std::string_view name_of(OperatorMove move);

// `approve` queues a row for setup, the first time or again (DISABLED, TEARDOWN); `enable` does so but for PENDING
// rows. Repeating a wish that is already granted is Keep. `remove` drops rows of which nothing can be on the node
// (PENDING, REJECTED, DISABLED, TEARDOWN); others wait as QUEUED_FOR_DELETE until the node says that they are gone.
// `reason` is kept with a rejection. Refusals: conflict, field "status", with what to do instead.
Checked<Verdict> decide_operator_move(const StoredSession& row, OperatorMove move, std::string_view reason = {});

// What a node says has become of a session (wire contract A5). DELETED drops the row, whatever it was. A node may
// report ENABLED, PROBLEM and TEARDOWN and repeat the present status; approving, disabling and queueing are an
// operator's, so a stolen node token cannot approve anything. `last_error` empty clears it. Refusals: invalid, field
// "status".
Checked<Verdict> decide_agent_report(const StoredSession& row, std::int64_t status, std::string_view last_error);

// The status after an operator's edit of the content: a node has to set up ENABLED and TEARDOWN rows again, the others
// are read as they are when their time comes. Refusals: conflict for rows that are on their way out.
Checked<model::SessionStatus> status_after_edit(const StoredSession& row);

}  // namespace moenet::controlplane
