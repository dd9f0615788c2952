// What a user may with sessions: all of it is about those of the own AS. Admins may everything. Pure.
#pragma once

#include <boost/json/fwd.hpp>

#include "controlplane/caller.h"
#include "controlplane/session_draft.h"
#include "controlplane/session_moves.h"
#include "controlplane/store.h"

namespace moenet::controlplane {

bool may_see(const Caller& caller, const StoredSession& row);
// Refusals: not_found, in the store's words for the uuid that was asked for, so that nobody learns of what is others'.
Checked<void> check_may_see(const Caller& caller, const StoredSession& row, std::string_view asked);
// `change`, of a row that is still the caller's to see when it is made.
// `caller` must outlive it.
SessionChange as_of(const Caller& caller, SessionChange change);
// approve and reject are an operator's. Refusals: denied.
Checked<void> check_may_move(const Caller& caller, OperatorMove move);

// What the caller may ask for as a new session: of a user it is the own AS's, which need not be named. Refusals:
// denied, with the member that is an operator's (asn, approve).
Checked<SessionDraft> own_draft(const Caller& caller, SessionDraft draft, const boost::json::value& body);
// May the caller make `after` of `before`? Refusals: denied, with the member that is an operator's to choose: asn,
// interface, importLimit.
Checked<void> check_members(const Caller& caller, const SessionDraft& before, const SessionDraft& after);

}  // namespace moenet::controlplane
