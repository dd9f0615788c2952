// The JSON of users, API tokens and audit entries: bodies in, with the member at fault, and views out. Pure.
#pragma once

#include <optional>
#include <string>

#include <boost/json/fwd.hpp>

#include "base/clock.h"
#include "controlplane/pagination.h"
#include "controlplane/people.h"
#include "controlplane/refusal.h"
#include "http/message.h"

namespace moenet::controlplane {

// {name?, asn?, role?}: a name or an ASN, which gives the name "AS<asn>". Refusals: invalid.
Checked<User> new_user(const boost::json::value& body);
// {role?, disabled?} put over `user`.
Checked<User> merge_user(User user, const boost::json::value& body);

struct WantedToken {
  ApiToken token;
  std::optional<Role> role;
  std::string user;  // name or uuid of whose it shall be; "" = the caller's
};
// {label, role?, user?, expiresIn?}: seconds, 90 days unless said, 0 = never.
Checked<WantedToken> new_token(const boost::json::value& body, WallTime now);

// ?object= ?who= ?since= (unix ms), and ?after=. Refusals: invalid.
Checked<AuditFilter> audit_filter(const http::Request& request, const PartOfList& part);

boost::json::object view_of(const User& user);
boost::json::object view_of(const ApiToken& token);
boost::json::object view_of(const AuditEntry& entry);

}  // namespace moenet::controlplane
