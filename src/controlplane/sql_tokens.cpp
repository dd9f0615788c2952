// SqlStore: the tokens of nodes, and the ones that make a machine a node.

#include "controlplane/sql_state.h"

namespace moenet::controlplane {

std::map<TokenHash, NodeId> read_tokens(soci::session& sql) {
  long long node = 0;
  TokenHash hash;
  soci::statement all = (sql.prepare << "SELECT node_id, hash FROM node_token", soci::into(node), soci::into(hash));
  all.execute();
  std::map<TokenHash, NodeId> tokens;
  while (all.fetch()) tokens.emplace(hash, static_cast<NodeId>(node));
  return tokens;
}

void put_token(WriteTransaction& transaction, NodeId node, const TokenHash& token, long long now) {
  transaction.change_tokens();
  transaction.sql() << "INSERT INTO node_token (node_id, hash, created_at) VALUES (:node, :hash, :at) "
                       "ON CONFLICT (node_id) DO UPDATE SET hash = excluded.hash, created_at = excluded.created_at",
      soci::use(node), soci::use(token), soci::use(now);
}

Result<void> SqlStore::replace_node_token(NodeId node, const TokenHash& token) {
  return guarded("replace token", [&]() -> Result<void> {
    WriteTransaction transaction(*state_);
    put_token(transaction, node, token, state_->now());
    transaction.commit();
    return {};
  });
}

std::optional<NodeId> SqlStore::node_of_token(const TokenHash& token) {
  const std::lock_guard lock(state_->tokens_mutex);
  const auto held = state_->tokens.find(token);
  return held == state_->tokens.end() ? std::nullopt : std::optional(held->second);
}

Result<void> SqlStore::put_bootstrap(const TokenHash& token, const Bootstrap& bootstrap) {
  return guarded("keep bootstrap token", [&]() -> Result<void> {
    using soci::use;
    WriteTransaction transaction(*state_);
    const long long expires = bootstrap.expires_at;
    transaction.sql() << "INSERT INTO bootstrap (node_id, hash, url, expires_at) VALUES (:node, :hash, :url, :expires) "
                         "ON CONFLICT (node_id) DO UPDATE SET hash = excluded.hash, url = excluded.url, "
                         "expires_at = excluded.expires_at",
        use(bootstrap.node), use(token), use(bootstrap.url), use(expires);
    transaction.commit();
    return {};
  });
}

Result<RedeemedBootstrap> SqlStore::redeem_bootstrap(const TokenHash& token, const TokenHash& node_token, UnixMs now) {
  return guarded("redeem bootstrap token", [&]() -> Result<RedeemedBootstrap> {
    using soci::into;
    using soci::use;
    {  // Anybody may ask: a guess takes no write lock.
      soci::session sql(state_->pool);
      int known = 0;
      sql << "SELECT COUNT(*) FROM bootstrap WHERE hash = :hash", use(token), into(known);
      if (known == 0) return fail(Errc::not_found, "bootstrap token is unknown or used up");
    }
    WriteTransaction transaction(*state_);
    soci::session& sql = transaction.sql();
    RedeemedBootstrap redeemed;
    NodeId node = 0;
    const long long at = now;
    sql << "SELECT node.id, node.name, bootstrap.url FROM bootstrap JOIN node ON node.id = bootstrap.node_id "
           "WHERE bootstrap.hash = :hash AND bootstrap.expires_at > :now",
        use(token), use(at), into(node), into(redeemed.node_name), into(redeemed.url);
    if (!sql.got_data()) return fail(Errc::not_found, "bootstrap token is unknown, used up or expired");
    sql << "DELETE FROM bootstrap WHERE node_id = :node", use(node);
    put_token(transaction, node, node_token, at);
    transaction.commit();
    return redeemed;
  });
}

}  // namespace moenet::controlplane
