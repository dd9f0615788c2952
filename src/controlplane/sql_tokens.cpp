// SqlStore: the tokens of nodes, and the ones that make a machine a node.

#include "controlplane/sql_audit.h"
#include "controlplane/sql_state.h"

namespace moenet::controlplane {

namespace {

constexpr std::chrono::milliseconds kReadAgain{1'000};  // chosen: guesses cost the database one query a second at most

}  // namespace

void SqlStore::State::read_tokens_again(soci::session& sql) {
  const std::lock_guard lock(tokens.order);
  const WatchedCall call(watch, engine->socket_of(sql));
  tokens.replace(read_tokens(sql), steady_now());
}

bool SqlStore::State::try_to_read_tokens_again() {
  return guarded(*this, "read tokens",
                 [&]() -> Result<void> {
                   Lease lease(*this);
                   lease.begin([this](soci::session& sql) { engine->begin_read(sql); });
                   // The snapshot must not be older than `order`.
                   lease.roll_back();
                   read_tokens_again(lease.sql());
                   return {};
                 })
      .has_value();
}

NodeTokens read_tokens(soci::session& sql) {
  long long node = 0;
  long long ends = 0;
  TokenHash hash;
  soci::statement all = (sql.prepare << "SELECT node_id, hash, CAST(0 AS BIGINT) FROM node_token UNION ALL "
                                        "SELECT node_id, hash, ends_at FROM former_node_token",
                         soci::into(node), soci::into(hash), soci::into(ends));
  all.execute();
  NodeTokens tokens;
  while (all.fetch()) tokens.emplace(hash, NodeToken{static_cast<NodeId>(node), ends});
  return tokens;
}

void put_token(WriteTransaction& transaction, NodeId node, const TokenHash& token, long long now, long long old_until) {
  transaction.change_tokens();
  transaction.sql() << "DELETE FROM former_node_token WHERE node_id = :node", soci::use(node);
  if (old_until > now) {
    transaction.sql() << "INSERT INTO former_node_token (node_id, hash, ends_at) "
                         "SELECT node_id, hash, CAST(:until AS BIGINT) FROM node_token WHERE node_id = :node",
        soci::use(old_until), soci::use(node);
  }
  transaction.sql() << "INSERT INTO node_token (node_id, hash, created_at) VALUES (:node, :hash, :at) "
                       "ON CONFLICT (node_id) DO UPDATE SET hash = excluded.hash, created_at = excluded.created_at",
      soci::use(node), soci::use(token), soci::use(now);
}

namespace {

// For the audit log, which knows nodes by name. Empty: there is none.
std::string name_of_node(soci::session& sql, NodeId node) {
  std::string name;
  sql << "SELECT name FROM node WHERE id = :id", soci::use(node), soci::into(name);
  return name;
}

void audit_tokens(WriteTransaction& transaction, const Author& by, UnixMs now, std::string_view action, NodeId node) {
  write_audit(transaction, by, now, action, "node " + name_of_node(transaction.sql(), node), nullptr, nullptr);
}

}  // namespace

Result<void> SqlStore::replace_node_token(const Author& by, NodeId node, const TokenHash& token, UnixMs old_until) {
  return guarded(*state_, "replace token", [&]() -> Result<void> {
    WriteTransaction transaction(*state_);
    put_token(transaction, node, token, state_->now(), old_until);
    audit_tokens(transaction, by, state_->now(), "node.token", node);
    transaction.commit();
    return {};
  });
}

Result<void> SqlStore::revoke_node_tokens(const Author& by, NodeId node) {
  return guarded(*state_, "revoke tokens", [&]() -> Result<void> {
    WriteTransaction transaction(*state_);
    transaction.change_tokens();
    transaction.sql() << "DELETE FROM former_node_token WHERE node_id = :node", soci::use(node);
    transaction.sql() << "DELETE FROM node_token WHERE node_id = :node", soci::use(node);
    audit_tokens(transaction, by, state_->now(), "node.token.revoke", node);
    transaction.commit();
    return {};
  });
}

std::optional<NodeId> SqlStore::node_of_token(const TokenHash& token) {
  const auto held = state_->tokens.find(token, state_->now());
  if (!state_->engine->is_shared()) return held;
  // Another process may have made the token a moment ago; or the listener is cut off, and may not know of one that
  // ended.
  const bool is_stale = state_->tokens.age(steady_now()) > 2 * state_->options.recheck;
  if (held && !is_stale) return held;
  if (!state_->tokens.may_read_again(kReadAgain, steady_now())) return held;
  return state_->try_to_read_tokens_again() ? state_->tokens.find(token, state_->now()) : held;
}

Result<void> SqlStore::put_bootstrap(const Author& by, const TokenHash& token, const Bootstrap& bootstrap) {
  return guarded(*state_, "keep bootstrap token", [&]() -> Result<void> {
    using soci::use;
    WriteTransaction transaction(*state_);
    const long long expires = bootstrap.expires_at;
    transaction.sql() << "INSERT INTO bootstrap (node_id, hash, url, expires_at) VALUES (:node, :hash, :url, :expires) "
                         "ON CONFLICT (node_id) DO UPDATE SET hash = excluded.hash, url = excluded.url, "
                         "expires_at = excluded.expires_at, claimed_by = ''",
        use(bootstrap.node), use(token), use(bootstrap.url), use(expires);
    audit_tokens(transaction, by, state_->now(), "node.bootstrap", bootstrap.node);
    transaction.commit();
    return {};
  });
}

namespace {

struct FoundBootstrap {
  NodeId node = 0;
  std::string claimed_by;
  std::string node_token;  // what the node has now
  RedeemedBootstrap told;
};

Result<FoundBootstrap> read_bootstrap(soci::session& sql, const TokenHash& token, long long now) {
  using soci::into;
  using soci::use;
  FoundBootstrap found;
  sql << "SELECT node.id, node.name, bootstrap.url, bootstrap.claimed_by, COALESCE(node_token.hash, '') "
         "FROM bootstrap JOIN node ON node.id = bootstrap.node_id "
         "LEFT JOIN node_token ON node_token.node_id = bootstrap.node_id "
         "WHERE bootstrap.hash = :hash AND bootstrap.expires_at > :now",
      use(token), use(now), into(found.node), into(found.told.node_name), into(found.told.url), into(found.claimed_by),
      into(found.node_token);
  if (!sql.got_data()) return fail(Errc::not_found, "bootstrap token is unknown or expired");
  return found;
}

}  // namespace

Result<RedeemedBootstrap> SqlStore::find_bootstrap(const TokenHash& token, UnixMs now) {
  return guarded(*state_, "find bootstrap token", [&]() -> Result<RedeemedBootstrap> {
    ReadTransaction transaction(*state_);
    soci::session& sql = transaction.sql();
    TRY(auto found, read_bootstrap(sql, token, now));
    return std::move(found.told);
  });
}

Result<RedeemedBootstrap> SqlStore::redeem_bootstrap(const Author& by, const TokenHash& token,
                                                     const TokenHash& node_token, UnixMs now) {
  // Anybody may ask: a guess takes no write lock.
  TRY_VOID(find_bootstrap(token, now));
  return guarded(*state_, "redeem bootstrap token", [&]() -> Result<RedeemedBootstrap> {
    using soci::use;
    WriteTransaction transaction(*state_);
    TRY(auto found, read_bootstrap(transaction.sql(), token, now));
    if (!found.claimed_by.empty()) {
      if (found.claimed_by == node_token && found.node_token == node_token) return std::move(found.told);
      return fail(Errc::conflict, "bootstrap token is used up");
    }
    int others = 0;
    transaction.sql() << "SELECT COUNT(*) FROM (SELECT node_id, hash FROM node_token UNION ALL "
                         "SELECT node_id, hash FROM former_node_token) AS held "
                         "WHERE hash = :hash AND node_id <> :node",
        use(node_token), use(found.node), soci::into(others);
    if (others != 0) return fail(Errc::conflict, "the token is another node's");
    transaction.sql() << "UPDATE bootstrap SET claimed_by = :hash WHERE node_id = :node", use(node_token),
        use(found.node);
    put_token(transaction, found.node, node_token, now);
    audit_tokens(transaction, by, now, "node.bootstrap.redeem", found.node);
    transaction.commit();
    return std::move(found.told);
  });
}

}  // namespace moenet::controlplane
