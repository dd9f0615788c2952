// SqlStore: users and their API tokens. Web sessions and challenges are sql_sign_in.cpp.

#include "controlplane/sql_people.h"

#include <fmt/format.h>

#include "base/uuid.h"
#include "controlplane/sql_audit.h"
#include "controlplane/token.h"
#include "model/text.h"

namespace moenet::controlplane {

namespace {

constexpr UnixMs kKeepExpired = 30LL * 24 * 3600 * 1000;  // chosen: a month in which `token list` says that it ended

struct TokenRow {
  ApiToken token;
  long long role = 0;
  long long created = 0;
  long long expires = 0;
  long long used = 0;

  ApiToken value() const {
    ApiToken result = token;
    result.role = role_from_number(role);
    result.created_at = created;
    result.expires_at = expires;
    result.last_used = used;
    return result;
  }
};

// `row` must outlive the statement.
soci::details::prepare_temp_type select_tokens(soci::session& sql, TokenRow& row, std::string_view condition) {
  using soci::into;
  return (sql.prepare << fmt::format(
              "SELECT api_token.uuid, api_token.user_id, COALESCE(person.name, ''), label, api_token.role, "
              "api_token.created_at, expires_at, last_used FROM api_token "
              "LEFT JOIN person ON person.uuid = api_token.user_id {}",
              condition),
          into(row.token.uuid), into(row.token.user), into(row.token.user_name), into(row.token.label), into(row.role),
          into(row.created), into(row.expires), into(row.used));
}

void end_all_of(soci::session& sql, const User& user) {
  sql << "DELETE FROM web_session WHERE user_id = :user", soci::use(user.uuid);
  sql << "DELETE FROM api_token WHERE user_id = :user", soci::use(user.uuid);
}

Checked<void> check_free(soci::session& sql, const User& user) {
  int found = 0;
  sql << "SELECT COUNT(*) FROM person WHERE name = :name", soci::use(user.name), soci::into(found);
  if (found > 0) return refuse(Errc::conflict, fmt::format("a user named {} exists", user.name), "name");
  if (user.asn == 0) return {};
  const long long asn = user.asn;
  sql << "SELECT COUNT(*) FROM person WHERE asn = :asn", soci::use(asn), soci::into(found);
  if (found > 0) return refuse(Errc::conflict, fmt::format("AS{} is another user's", user.asn), "asn");
  return {};
}

std::unexpected<Refusal> no_user(std::string_view name) {
  return refuse(Errc::not_found, fmt::format("no user {}", name));
}

}  // namespace

// A number that is no role can only come from another writer of the database, and gives the least rights.
Role role_from_number(long long number) {
  return number == static_cast<long long>(Role::owner)   ? Role::owner
         : number == static_cast<long long>(Role::admin) ? Role::admin
                                                         : Role::user;
}

std::vector<User> fetch_users(soci::session& sql, std::string_view condition, const std::string& key) {
  using soci::into;
  User user;
  long long role = 0;
  long long asn = 0;
  long long disabled = 0;
  long long created = 0;
  long long seen = 0;
  soci::statement all =
      (sql.prepare << fmt::format(
           "SELECT uuid, name, role, asn, is_disabled, created_at, last_seen FROM person {} ORDER BY name", condition),
       into(user.uuid), into(user.name), into(role), into(asn), into(disabled), into(created), into(seen),
       soci::use(key));
  all.execute();
  std::vector<User> users;
  while (all.fetch()) {
    user.role = role_from_number(role);
    user.asn = static_cast<model::Asn>(asn);
    user.is_disabled = disabled != 0;
    user.created_at = created;
    user.last_seen = seen;
    users.push_back(user);
  }
  return users;
}

std::optional<User> fetch_user(soci::session& sql, std::string_view name_or_uuid) {
  const bool by_uuid = is_uuid(name_or_uuid);
  const std::string key = by_uuid ? model::lower_case(name_or_uuid) : std::string(name_or_uuid);
  if (!is_plain_text(key)) return std::nullopt;
  auto found = fetch_users(sql, by_uuid ? "WHERE uuid = :key" : "WHERE name = :key", key);
  return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
}

void insert_user(soci::session& sql, const User& user) {
  using soci::use;
  const auto role = static_cast<long long>(user.role);
  const long long asn = user.asn;
  const long long disabled = user.is_disabled ? 1 : 0;
  const long long created = user.created_at;
  const long long seen = user.last_seen;
  sql << "INSERT INTO person (uuid, name, role, asn, is_disabled, created_at, last_seen) "
         "VALUES (:uuid, :name, :role, :asn, :disabled, :created, :seen)",
      use(user.uuid), use(user.name), use(role), use(asn), use(disabled), use(created), use(seen);
}

Checked<User> SqlStore::add_user(const Author& by, User user) {
  return guarded(*state_, "add user", [&]() -> Checked<User> {
    WriteTransaction transaction(*state_);
    if (auto free = check_free(transaction.sql(), user); !free) return std::unexpected(free.error());
    user.uuid = make_uuid();
    user.created_at = state_->now();
    insert_user(transaction.sql(), user);
    audit_change<User>(transaction, by, state_->now(), "user.add", nullptr, &user);
    transaction.commit();
    return user;
  });
}

Result<std::vector<User>> SqlStore::users() {
  return guarded(*state_, "list users", [&]() -> Result<std::vector<User>> {
    ReadTransaction transaction(*state_);
    return fetch_users(transaction.sql(), "WHERE '' = :key", "");
  });
}

Result<User> SqlStore::find_user(std::string_view name_or_uuid) {
  return guarded(*state_, "find user", [&]() -> Result<User> {
    ReadTransaction transaction(*state_);
    auto user = fetch_user(transaction.sql(), name_or_uuid);
    if (!user) return fail(Errc::not_found, fmt::format("no user {}", name_or_uuid));
    return *std::move(user);
  });
}

Checked<User> SqlStore::change_user(const Author& by, std::string_view name_or_uuid, const UserDecision& decide) {
  return guarded(*state_, "change user", [&]() -> Checked<User> {
    WriteTransaction transaction(*state_);
    const auto user = fetch_user(transaction.sql(), name_or_uuid);
    if (!user) return no_user(name_or_uuid);
    const auto wanted = decide(*user);
    if (!wanted) return wanted;
    User changed = *user;
    changed.role = wanted->role;
    changed.is_disabled = wanted->is_disabled;
    if (changed == *user) return changed;
    const auto role = static_cast<long long>(changed.role);
    const long long disabled = changed.is_disabled ? 1 : 0;
    transaction.sql() << "UPDATE person SET role = :role, is_disabled = :disabled WHERE uuid = :uuid", soci::use(role),
        soci::use(disabled), soci::use(user->uuid);
    if (changed.is_disabled) end_all_of(transaction.sql(), changed);
    audit_change(transaction, by, state_->now(), "user.change", &*user, &changed);
    transaction.commit();
    return changed;
  });
}

Checked<User> SqlStore::delete_user(const Author& by, std::string_view name_or_uuid, const UserCheck& may) {
  return guarded(*state_, "delete user", [&]() -> Checked<User> {
    WriteTransaction transaction(*state_);
    const auto user = fetch_user(transaction.sql(), name_or_uuid);
    if (!user) return no_user(name_or_uuid);
    if (auto allowed = may(*user); !allowed) return std::unexpected(allowed.error());
    end_all_of(transaction.sql(), *user);
    transaction.sql() << "DELETE FROM person WHERE uuid = :uuid", soci::use(user->uuid);
    audit_change<User>(transaction, by, state_->now(), "user.delete", &*user, nullptr);
    transaction.commit();
    return *user;
  });
}

Checked<ApiToken> SqlStore::add_api_token(const Author& by, ApiToken token, const TokenHash& hash) {
  return guarded(*state_, "add token", [&]() -> Checked<ApiToken> {
    using soci::use;
    WriteTransaction transaction(*state_);
    soci::session& sql = transaction.sql();
    if (!token.user.empty()) {
      const auto user = fetch_user(sql, token.user);
      if (!user || user->is_disabled) return no_user(token.user);
      token.user_name = user->name;
    }
    const long long now = state_->now();
    const long long long_expired = now - kKeepExpired;
    sql << "DELETE FROM api_token WHERE expires_at <> 0 AND expires_at <= :time", use(long_expired);
    sql << "DELETE FROM api_token WHERE user_id = :user AND label = :label AND expires_at <> 0 AND expires_at <= :now",
        use(token.user), use(token.label), use(now);
    int taken = 0;
    sql << "SELECT COUNT(*) FROM api_token WHERE user_id = :user AND label = :label", use(token.user), use(token.label),
        soci::into(taken);
    if (taken > 0) return refuse(Errc::conflict, fmt::format("a token labelled {} exists", token.label), "label");
    token.uuid = make_uuid();
    token.created_at = now;
    const auto role = static_cast<long long>(token.role);
    const long long expires = token.expires_at;
    sql << "INSERT INTO api_token (uuid, user_id, hash, label, role, created_at, expires_at, last_used) "
           "VALUES (:uuid, :user, :hash, :label, :role, :created, :expires, 0)",
        use(token.uuid), use(token.user), use(hash), use(token.label), use(role), use(now), use(expires);
    audit_change<ApiToken>(transaction, by, now, "token.add", nullptr, &token);
    transaction.commit();
    return token;
  });
}

Result<std::vector<ApiToken>> SqlStore::api_tokens() {
  return guarded(*state_, "list tokens", [&]() -> Result<std::vector<ApiToken>> {
    ReadTransaction transaction(*state_);
    TokenRow row;
    soci::statement all(select_tokens(transaction.sql(), row, "ORDER BY api_token.uuid"));
    all.execute();
    std::vector<ApiToken> tokens;
    while (all.fetch()) tokens.push_back(row.value());
    return tokens;
  });
}

Checked<ApiToken> SqlStore::revoke_api_token(const Author& by, std::string_view uuid, const TokenCheck& may) {
  return guarded(*state_, "revoke token", [&]() -> Checked<ApiToken> {
    WriteTransaction transaction(*state_);
    soci::session& sql = transaction.sql();
    const std::string key = model::lower_case(uuid);
    TokenRow row;
    bool found = false;
    if (is_uuid(key)) {
      soci::statement one((select_tokens(sql, row, "WHERE api_token.uuid = :uuid"), soci::use(key)));
      found = one.execute(true);
    }
    if (!found) return refuse(Errc::not_found, "no such token");
    const ApiToken token = row.value();
    if (auto allowed = may(token); !allowed) return std::unexpected(allowed.error());
    sql << "DELETE FROM api_token WHERE uuid = :uuid", soci::use(key);
    sql << "DELETE FROM web_session WHERE token_id = :uuid", soci::use(key);
    audit_change<ApiToken>(transaction, by, state_->now(), "token.revoke", &token, nullptr);
    transaction.commit();
    return token;
  });
}

}  // namespace moenet::controlplane
