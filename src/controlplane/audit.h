// What the audit log says of a change: the members that differ, before and after. Secrets are only there or not, and
// changed or not. Pure; SqlStore writes it in the transaction of the change.
#pragma once

#include <map>
#include <string>

#include <boost/json.hpp>

#include "base/secret.h"
#include "controlplane/store.h"

namespace moenet::controlplane {

// A thing as the audit log sees it.
struct Audited {
  boost::json::object members;
  std::map<std::string, Secret> secrets;  // empty = none
};

Audited audited(const Node& node);  // the operator's fields
Audited audited(const StoredSession& row);
Audited audited(const Settings& settings);
Audited audited(const User& user);
Audited audited(const ApiToken& token);

// JSON objects of what differs; "" for what is not there.
struct AuditedChange {
  std::string before;
  std::string after;
};
AuditedChange audited_change(const Audited* before, const Audited* after);

}  // namespace moenet::controlplane
