// SqlStore: how nodes end. One that leaves is gone with its last session.

#include <fmt/format.h>

#include "controlplane/sql_audit.h"
#include "controlplane/sql_state.h"

namespace moenet::controlplane {

namespace {

bool has_sessions(soci::session& sql, NodeId node) {
  long long sessions = 0;
  sql << "SELECT COUNT(*) FROM session WHERE node_id = :node", soci::use(node), soci::into(sessions);
  return sessions > 0;
}

// With its sessions, all that it told, and its tokens.
void forget(WriteTransaction& transaction, const Author& by, UnixMs now, const Node& node) {
  using soci::use;
  soci::session& sql = transaction.sql();
  const long long changes = node.changes + 1;
  sql << "DELETE FROM session WHERE node_id = :node", use(node.id);
  forget_links_to(sql, node.id);
  sql << "DELETE FROM node WHERE id = :node", use(node.id);
  sql << "INSERT INTO retired_node (id, changes) VALUES (:id, :changes) "
         "ON CONFLICT (id) DO UPDATE SET changes = excluded.changes",
      use(node.id), use(changes);
  transaction.retire(node.id, changes);
  audit_change<Node>(transaction, by, now, "node.delete", &node, nullptr);
  transaction.change_tokens();
  transaction.touch_all();
}

Checked<Node> node_of_version(soci::session& sql, std::string_view name_or_uuid, ExpectedVersion expected) {
  auto node = fetch_node(sql, name_or_uuid);
  if (!node) return refuse(Errc::not_found, fmt::format("no node {}", name_or_uuid));
  if (auto same = check_version(node->version, expected); !same) return std::unexpected(same.error());
  return *std::move(node);
}

}  // namespace

void forget_if_left(WriteTransaction& transaction, const Author& by, UnixMs now, NodeId id) {
  for (const Node& node : all_nodes(transaction.sql())) {
    if (node.id == id && node.is_leaving && !has_sessions(transaction.sql(), id)) forget(transaction, by, now, node);
  }
}

Checked<void> check_takes_sessions(soci::session& sql, NodeId id) {
  std::string name;
  sql << "SELECT name FROM node WHERE id = :id AND is_leaving = 1", soci::use(id), soci::into(name);
  if (!sql.got_data()) return {};
  return refuse(Errc::conflict, fmt::format("{} is leaving", name), "node", "choose another node");
}

Checked<Node> SqlStore::delete_node(const Author& by, std::string_view name_or_uuid, ExpectedVersion expected) {
  return guarded(*state_, "delete node", [&]() -> Checked<Node> {
    WriteTransaction transaction(*state_);
    auto node = node_of_version(transaction.sql(), name_or_uuid, expected);
    if (!node) return node;
    forget(transaction, by, state_->now(), *node);
    transaction.commit();
    return node;
  });
}

Checked<Node> SqlStore::retire_node(const Author& by, std::string_view name_or_uuid, ExpectedVersion expected) {
  return guarded(*state_, "retire node", [&]() -> Checked<Node> {
    WriteTransaction transaction(*state_);
    soci::session& sql = transaction.sql();
    auto node = node_of_version(sql, name_or_uuid, expected);
    if (!node) return node;
    if (!has_sessions(sql, node->id)) {
      forget(transaction, by, state_->now(), *node);
    } else if (!node->is_leaving) {
      const Node before = *node;
      node->is_leaving = true;
      ++node->version;
      const long long version = node->version;
      sql << "UPDATE node SET is_leaving = 1, version = :version WHERE id = :id", soci::use(version),
          soci::use(node->id);
      audit_change(transaction, by, state_->now(), "node.retire", &before, &*node);
      transaction.touch(node->id);
    }
    transaction.commit();
    return node;
  });
}

}  // namespace moenet::controlplane
