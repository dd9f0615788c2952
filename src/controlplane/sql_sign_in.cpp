// SqlStore: challenges, web sessions, and who holds a web session or an API token.

#include <fmt/format.h>

#include "controlplane/sql_audit.h"
#include "controlplane/sql_people.h"
#include "controlplane/token.h"

namespace moenet::controlplane {

namespace {

constexpr int kMostChallenges = 10'000;         // open ones; chosen: a thousand times what a network sees, 3 MB
constexpr UnixMs kSeenEvery = 5LL * 60 * 1000;  // chosen: how exact "last seen" is, for one write each

void prune(soci::session& sql, long long now) {
  sql << "DELETE FROM challenge WHERE expires_at <= :now", soci::use(now);
  sql << "DELETE FROM web_session WHERE expires_at <= :now", soci::use(now);
}

void insert_session(soci::session& sql, const WebSession& session, long long now) {
  using soci::use;
  const long long expires = session.expires_at;
  sql << "INSERT INTO web_session (hash, user_id, token_id, owner_token, created_at, expires_at, last_seen) "
         "VALUES (:hash, :user, :token, :owner, :created, :expires, :seen)",
      use(session.hash), use(session.user), use(session.token), use(session.owner_token), use(now), use(expires),
      use(now);
}

// The one of an ASN, made when there is none.
Checked<User> user_of_asn(WriteTransaction& transaction, const Author& by, model::Asn asn, UnixMs now) {
  soci::session& sql = transaction.sql();
  const auto found = fetch_users(sql, "WHERE asn = CAST(:key AS BIGINT)", std::to_string(asn));
  if (!found.empty()) return found.front();
  User user;
  user.uuid = make_uuid();
  user.name = fmt::format("AS{}", asn);
  user.asn = asn;
  user.created_at = now;
  user.last_seen = now;
  if (fetch_user(sql, user.name)) return refuse(Errc::denied, fmt::format("the name {} is another user's", user.name));
  insert_user(sql, user);
  audit_change<User>(transaction, by, now, "user.add", nullptr, &user);
  return user;
}

// What is read of a session or token and what it hangs on.
struct HolderRow {
  Holder holder;
  long long expires = 0;
  long long seen = 0;
  long long user_role = 0;
  long long asn = 0;
  long long is_disabled = 0;
  long long token_role = 0;

  // Of what hangs on nothing any more there is none.
  std::optional<Holder> value() const {
    if (!holder.user.empty() && (holder.user_name.empty() || is_disabled != 0)) return std::nullopt;
    if (!holder.token.empty() && holder.token_label.empty()) return std::nullopt;
    Holder result = holder;
    result.role = holder.user.empty() ? Role::owner : role_from_number(user_role);
    if (!holder.token.empty()) result.role = std::min(result.role, role_from_number(token_role));
    result.asn = static_cast<model::Asn>(asn);
    result.expires_at = expires;
    return result;
  }
};

constexpr std::string_view kOfSession =
    "SELECT web_session.user_id, COALESCE(person.name, ''), COALESCE(person.role, 0), COALESCE(person.asn, 0), "
    "COALESCE(person.is_disabled, 0), web_session.token_id, COALESCE(api_token.label, ''), "
    "COALESCE(api_token.role, 0), web_session.owner_token, web_session.expires_at, web_session.last_seen "
    "FROM web_session LEFT JOIN person ON person.uuid = web_session.user_id "
    "LEFT JOIN api_token ON api_token.uuid = web_session.token_id "
    "AND (api_token.expires_at = 0 OR api_token.expires_at > :now) "
    "WHERE web_session.hash = :hash AND web_session.expires_at > :again";
constexpr std::string_view kOfToken =
    "SELECT api_token.user_id, COALESCE(person.name, ''), COALESCE(person.role, 0), COALESCE(person.asn, 0), "
    "COALESCE(person.is_disabled, 0), api_token.uuid, api_token.label, api_token.role, '', api_token.expires_at, "
    "api_token.last_used FROM api_token LEFT JOIN person ON person.uuid = api_token.user_id "
    "WHERE (api_token.expires_at = 0 OR api_token.expires_at > :now) AND api_token.hash = :hash "
    "AND (api_token.expires_at = 0 OR api_token.expires_at > :again)";

std::optional<HolderRow> fetch_holder(soci::session& sql, std::string_view query, const TokenHash& hash,
                                      long long now) {
  using soci::into;
  using soci::use;
  HolderRow row;
  Holder& holder = row.holder;
  sql << std::string(query), use(now), use(hash), use(now), into(holder.user), into(holder.user_name),
      into(row.user_role), into(row.asn), into(row.is_disabled), into(holder.token), into(holder.token_label),
      into(row.token_role), into(holder.owner_token), into(row.expires), into(row.seen);
  if (!sql.got_data()) return std::nullopt;
  return row;
}

}  // namespace

Result<void> SqlStore::put_challenge(const Challenge& challenge, UnixMs now) {
  return guarded(*state_, "keep challenge", [&]() -> Result<void> {
    using soci::use;
    WriteTransaction transaction(*state_);
    soci::session& sql = transaction.sql();
    prune(sql, now);
    int open = 0;
    sql << "SELECT COUNT(*) FROM challenge", soci::into(open);
    if (open >= kMostChallenges) return fail(Errc::unavailable, "too many challenges are open");
    const long long asn = challenge.asn;
    const long long expires = challenge.expires_at;
    sql << "INSERT INTO challenge (hash, asn, body, expires_at) VALUES (:hash, :asn, :body, :expires)",
        use(challenge.hash), use(asn), use(challenge.text), use(expires);
    transaction.commit();
    return {};
  });
}

Result<Challenge> SqlStore::take_challenge(const TokenHash& hash, UnixMs now) {
  return guarded(*state_, "take challenge", [&]() -> Result<Challenge> {
    using soci::use;
    const auto read = [&](soci::session& sql) -> Result<Challenge> {
      Challenge challenge{hash, 0, {}, 0};
      long long asn = 0;
      long long expires = 0;
      const long long time = now;
      sql << "SELECT asn, body, expires_at FROM challenge WHERE hash = :hash AND expires_at > :now", use(hash),
          use(time), soci::into(asn), soci::into(challenge.text), soci::into(expires);
      if (!sql.got_data()) return fail(Errc::not_found, "the challenge is unknown, used or expired");
      challenge.asn = static_cast<model::Asn>(asn);
      challenge.expires_at = expires;
      return challenge;
    };
    {
      ReadTransaction transaction(*state_);  // anybody may ask: a guess takes no write lock
      TRY_VOID(read(transaction.sql()));
    }
    WriteTransaction transaction(*state_);
    TRY(const auto challenge, read(transaction.sql()));
    transaction.sql() << "DELETE FROM challenge WHERE hash = :hash", use(hash);
    transaction.commit();
    return challenge;
  });
}

Checked<User> SqlStore::sign_in(const Author& by, model::Asn asn, WebSession session, UnixMs now) {
  return guarded(*state_, "sign in", [&]() -> Checked<User> {
    WriteTransaction transaction(*state_);
    prune(transaction.sql(), now);
    const auto user = user_of_asn(transaction, by, asn, now);
    if (!user) return user;
    if (user->is_disabled) return refuse(Errc::denied, fmt::format("{} may not sign in", user->name));
    session.user = user->uuid;
    insert_session(transaction.sql(), session, now);
    const long long seen = now;
    transaction.sql() << "UPDATE person SET last_seen = :seen WHERE uuid = :uuid", soci::use(seen),
        soci::use(user->uuid);
    write_audit(transaction, by, now, "user.sign-in", object_of(*user), nullptr, nullptr);
    transaction.commit();
    return user;
  });
}

Result<void> SqlStore::open_web_session(const Author& by, const WebSession& session, UnixMs now) {
  return guarded(*state_, "sign in", [&]() -> Result<void> {
    WriteTransaction transaction(*state_);
    prune(transaction.sql(), now);
    insert_session(transaction.sql(), session, now);
    write_audit(transaction, by, now, "user.sign-in", "user " + by.who, nullptr, nullptr);
    transaction.commit();
    return {};
  });
}

Result<void> SqlStore::end_web_session(const Author& by, const TokenHash& hash) {
  return guarded(*state_, "sign out", [&]() -> Result<void> {
    WriteTransaction transaction(*state_);
    transaction.sql() << "DELETE FROM web_session WHERE hash = :hash", soci::use(hash);
    write_audit(transaction, by, state_->now(), "user.sign-out", "user " + by.who, nullptr, nullptr);
    transaction.commit();
    return {};
  });
}

Result<Holder> SqlStore::holder_of_web_session(const TokenHash& hash, UnixMs now) {
  return guarded(*state_, "find web session", [&]() -> Result<Holder> {
    std::optional<HolderRow> row;
    {
      ReadTransaction transaction(*state_);
      row = fetch_holder(transaction.sql(), kOfSession, hash, now);
    }
    const auto holder = row ? row->value() : std::nullopt;
    if (!holder) return fail(Errc::not_found, "nobody holds this web session");
    if (now - row->seen >= kSeenEvery) {
      const long long seen = now;
      WriteTransaction transaction(*state_);
      transaction.sql() << "UPDATE web_session SET last_seen = :seen WHERE hash = :hash", soci::use(seen),
          soci::use(hash);
      transaction.sql() << "UPDATE person SET last_seen = :seen WHERE uuid = :uuid", soci::use(seen),
          soci::use(holder->user);
      transaction.commit();
    }
    return *holder;
  });
}

Result<Holder> SqlStore::holder_of_api_token(const TokenHash& hash, UnixMs now) {
  return guarded(*state_, "find token", [&]() -> Result<Holder> {
    std::optional<HolderRow> row;
    {
      ReadTransaction transaction(*state_);
      row = fetch_holder(transaction.sql(), kOfToken, hash, now);
    }
    const auto holder = row ? row->value() : std::nullopt;
    if (!holder) return fail(Errc::not_found, "nobody holds this token");
    if (now - row->seen >= kSeenEvery) {
      const long long used = now;
      WriteTransaction transaction(*state_);
      transaction.sql() << "UPDATE api_token SET last_used = :used WHERE hash = :hash", soci::use(used),
          soci::use(hash);
      transaction.commit();
    }
    return *holder;
  });
}

}  // namespace moenet::controlplane
