#include "controlplane/session_rights.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace moenet::controlplane {

namespace json = boost::json;

bool may_see(const Caller& caller, const StoredSession& row) {
  return caller.role >= Role::admin || (caller.asn != 0 && caller.asn == row.asn);
}

Checked<void> check_may_see(const Caller& caller, const StoredSession& row, std::string_view asked) {
  if (may_see(caller, row)) return {};
  return refuse(Errc::not_found, fmt::format("no session {}", asked));
}

SessionChange as_of(const Caller& caller, SessionChange change) {
  change.decide = [&caller, uuid = change.uuid,
                   decide = std::move(change.decide)](const StoredSession& row) -> Checked<Verdict> {
    if (auto may = check_may_see(caller, row, uuid); !may) return std::unexpected(may.error());
    return decide(row);
  };
  return change;
}

Checked<void> check_may_move(const Caller& caller, OperatorMove move) {
  const bool is_decision = move == OperatorMove::approve || move == OperatorMove::reject;
  if (caller.role >= Role::admin || !is_decision) return {};
  return refuse(Errc::denied, fmt::format("to {} is the operators' of this network", name_of(move)));
}

Checked<SessionDraft> own_draft(const Caller& caller, SessionDraft draft, const json::value& body) {
  if (caller.role >= Role::admin) return draft;
  if (caller.asn == 0) return refuse(Errc::denied, "you have no AS number here: sign in with one", "asn");
  if (draft.asn == 0) draft.asn = caller.asn;
  if (draft.asn != caller.asn) return refuse(Errc::denied, fmt::format("yours is AS{}", caller.asn), "asn");
  const json::value* approve = body.is_object() ? body.get_object().if_contains("approve") : nullptr;
  if (approve != nullptr && *approve != json::value(false))
    return refuse(Errc::denied, "to approve is the operators' of this network", "approve");
  SessionDraft untouched;
  untouched.asn = draft.asn;
  if (auto may = check_members(caller, untouched, draft); !may) return std::unexpected(may.error());
  return draft;
}

Checked<void> check_members(const Caller& caller, const SessionDraft& before, const SessionDraft& after) {
  if (caller.role >= Role::admin) return {};
  const auto refused = [](const char* member) { return refuse(Errc::denied, "the operators choose it", member); };
  if (after.asn != before.asn) return refused("asn");
  if (after.interface_name != before.interface_name) return refused("interface");
  if (after.import_limit != before.import_limit) return refused("importLimit");
  return {};
}

}  // namespace moenet::controlplane
