#include "controlplane/sql_audit.h"

#include <fmt/format.h>

namespace moenet::controlplane {

std::string object_of(const Node& node) { return "node " + node.name; }
std::string object_of(const StoredSession& row) { return "session " + row.uuid; }
std::string object_of(const User& user) { return "user " + user.name; }
std::string object_of(const ApiToken& token) { return "token " + token.uuid; }

// A write transaction is alone, so the numbers have no gap and rise in the order of the commits.
void write_audit(WriteTransaction& transaction, const Author& by, UnixMs at, std::string_view action,
                 std::string_view object, const Audited* before, const Audited* after) {
  using soci::use;
  const auto [old_text, new_text] = audited_change(before, after);
  const long long time = at;
  const std::string action_text(action);
  const std::string object_text(object);
  transaction.sql() << "INSERT INTO audit (seq, at, who, address, action, object, before_json, after_json) "
                       "SELECT COALESCE(MAX(seq), 0) + 1, CAST(:at AS BIGINT), CAST(:who AS TEXT), "
                       "CAST(:address AS TEXT), CAST(:action AS TEXT), CAST(:object AS TEXT), CAST(:old AS TEXT), "
                       "CAST(:new AS TEXT) FROM audit",
      use(time), use(by.who), use(by.address), use(action_text), use(object_text), use(old_text), use(new_text);
}

Result<std::vector<AuditEntry>> SqlStore::audit(const AuditFilter& filter) {
  return guarded(*state_, "read audit log", [&]() -> Result<std::vector<AuditEntry>> {
    using soci::into;
    using soci::use;
    if (!is_plain_text(filter.object.value_or("")) || !is_plain_text(filter.who.value_or("")))
      return std::vector<AuditEntry>();
    ReadTransaction transaction(*state_);
    AuditEntry entry;
    long long seq = 0;
    long long at = 0;
    const std::string object = filter.object.value_or("");
    const std::string who = filter.who.value_or("");
    const long long since = filter.since;
    const long long before = filter.before_seq;
    // A filter that is not asked for is '' or 0, which no entry has.
    soci::statement all =
        (transaction.sql().prepare << fmt::format(
             "SELECT seq, at, who, address, action, object, before_json, after_json FROM audit "
             "WHERE (:no_object = '' OR object = :object) AND (:no_who = '' OR who = :who) AND at >= :since "
             "AND (CAST(:no_before AS BIGINT) = 0 OR seq < :before) ORDER BY seq DESC LIMIT {}",
             filter.limit),
         use(object), use(object), use(who), use(who), use(since), use(before), use(before), into(seq), into(at),
         into(entry.who), into(entry.address), into(entry.action), into(entry.object), into(entry.before_json),
         into(entry.after_json));
    all.execute();
    std::vector<AuditEntry> entries;
    while (all.fetch()) {
      entry.seq = seq;
      entry.at = at;
      entries.push_back(entry);
    }
    return entries;
  });
}

}  // namespace moenet::controlplane
