// What SqlStore's other files write to the audit log, each in the transaction of the change that it tells of.
#pragma once

#include <string_view>

#include "controlplane/audit.h"
#include "controlplane/sql_state.h"

namespace moenet::controlplane {

// `before` or `after` nullptr: it was not, or is no more, there.
void write_audit(WriteTransaction& transaction, const Author& by, UnixMs at, std::string_view action,
                 std::string_view object, const Audited* before, const Audited* after);

std::string object_of(const Node& node);
std::string object_of(const StoredSession& row);
std::string object_of(const User& user);
std::string object_of(const ApiToken& token);

// of_change<T>: a thing that came (before nullptr), went (after nullptr) or became another; nothing when it is the
// same.
template <class T>
void audit_change(WriteTransaction& transaction, const Author& by, UnixMs at, std::string_view action, const T* before,
                  const T* after) {
  Audited old_one;
  Audited new_one;
  if (before != nullptr) old_one = audited(*before);
  if (after != nullptr) new_one = audited(*after);
  write_audit(transaction, by, at, action, object_of(before != nullptr ? *before : *after),
              before != nullptr ? &old_one : nullptr, after != nullptr ? &new_one : nullptr);
}

}  // namespace moenet::controlplane
