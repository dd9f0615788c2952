#include "controlplane/session_moves.h"

#include <cassert>
#include <initializer_list>

#include <fmt/format.h>

#include "model/lifecycle.h"

namespace moenet::controlplane {

namespace {

using enum model::SessionStatus;
using model::SessionStatus;

Verdict moved(const StoredSession& row, std::initializer_list<SessionStatus> path, std::string last_error = {}) {
  StoredSession wanted = row;
  for (const SessionStatus next : path) {
    assert(model::is_legal_move(wanted.status, next));
    wanted.status = next;
  }
  wanted.last_error = std::move(last_error);
  return Replace{std::move(wanted)};
}

std::unexpected<Refusal> refuse_move(const StoredSession& row, std::string_view reason) {
  return refuse(Errc::conflict, fmt::format("the session is {}: {}", model::name_of(row.status), reason), "status");
}

Checked<Verdict> approve(const StoredSession& row) {
  switch (row.status) {
    case pending:
    case disabled:
    case teardown: return moved(row, {queued_for_setup});
    case queued_for_setup:
    case enabled:
    case problem: return Keep{};
    case rejected: return refuse_move(row, "delete it and add it anew");
    case queued_for_delete:
    case deleted: break;
  }
  return refuse_move(row, "disable it first, which calls the deletion off");
}

Checked<Verdict> reject(const StoredSession& row, std::string_view reason) {
  if (row.status == pending) return moved(row, {rejected}, model::fit_last_error(reason));
  if (row.status == rejected) return Keep{};
  return refuse_move(row, "only a PENDING session can be rejected; disable or delete it instead");
}

Checked<Verdict> disable(const StoredSession& row) {
  switch (row.status) {
    case enabled:
    case queued_for_delete:
    case teardown: return moved(row, {disabled});
    case queued_for_setup: return moved(row, {teardown, disabled});
    case problem: return moved(row, {queued_for_delete, disabled});
    case disabled: return Keep{};
    case pending:
    case rejected:
    case deleted: break;
  }
  return refuse_move(row, "there is nothing to disable");
}

Checked<Verdict> enable(const StoredSession& row) {
  if (row.status == pending) return refuse_move(row, "approve it instead");
  return approve(row);
}

Checked<Verdict> remove(const StoredSession& row) {
  switch (row.status) {
    case enabled:
    case problem: return moved(row, {queued_for_delete});
    // The node may be at work on it: it is asked to remove what there is, and answers even when there is nothing.
    case queued_for_setup: return moved(row, {problem, queued_for_delete});
    case queued_for_delete: return Keep{};
    case pending:
    case rejected:
    case disabled:
    case teardown:
    case deleted: break;
  }
  return Drop{};
}

}  // namespace

std::string_view name_of(OperatorMove move) {
  switch (move) {
    case OperatorMove::approve: return "approve";
    case OperatorMove::reject: return "reject";
    case OperatorMove::disable: return "disable";
    case OperatorMove::enable: return "enable";
    case OperatorMove::remove: return "delete";
  }
  return "";
}

Checked<Verdict> decide_operator_move(const StoredSession& row, OperatorMove move, std::string_view reason) {
  switch (move) {
    case OperatorMove::approve: return approve(row);
    case OperatorMove::reject: return reject(row, reason);
    case OperatorMove::disable: return disable(row);
    case OperatorMove::enable: return enable(row);
    case OperatorMove::remove: return remove(row);
  }
  return Keep{};
}

Checked<Verdict> decide_agent_report(const StoredSession& row, std::int64_t status, std::string_view last_error) {
  const auto wanted = model::session_status_from_int(status);
  if (!wanted) return refuse(Errc::invalid, fmt::format("Unknown status {}", status), "status");
  if (*wanted == deleted) return Drop{};
  const bool is_report = *wanted == enabled || *wanted == problem || *wanted == teardown;
  if (*wanted != row.status && (!is_report || !model::is_legal_move(row.status, *wanted))) {
    return refuse(Errc::invalid,
                  fmt::format("Illegal move: {} to {}", model::name_of(row.status), model::name_of(*wanted)), "status");
  }
  StoredSession changed = row;
  changed.status = *wanted;
  changed.last_error = model::fit_last_error(last_error);
  return Replace{std::move(changed)};
}

Checked<model::SessionStatus> status_after_edit(const StoredSession& row) {
  switch (row.status) {
    case enabled:
    case teardown: return queued_for_setup;
    case pending:
    case queued_for_setup:
    case problem:
    case disabled: return row.status;
    case rejected:
    case queued_for_delete:
    case deleted: break;
  }
  return refuse_move(row, "it cannot be edited any more");
}

}  // namespace moenet::controlplane
