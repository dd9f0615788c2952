// SqlStore: nodes. Their tokens are sql_tokens.cpp.

#include <fmt/format.h>

#include "controlplane/loopbacks.h"
#include "controlplane/sql_state.h"
#include "controlplane/token.h"
#include "model/text.h"

namespace moenet::controlplane {

namespace {

constexpr std::string_view kNodeColumns =
    "id, uuid, name, region_code, location, provider, is_rr, bandwidth, public_ipv4, public_ipv6, seen_ipv4, "
    "seen_ipv6, loopback_ipv4, loopback_ipv6, "
    "mesh_public_key, agent_version, status_json, last_seen, created_at, changes";

// A node while its columns are read; SOCI writes numbers as long long.
struct NodeRow {
  Node node;
  long long id = 0;
  long long region = 0;
  long long rr = 0;
  long long last_seen = 0;
  long long created = 0;
  long long changes = 0;

  Node value() const {
    Node result = node;
    result.id = static_cast<NodeId>(id);
    result.region_code = static_cast<int>(region);
    result.is_rr = rr != 0;
    result.last_seen = last_seen;
    result.created_at = created;
    result.changes = changes;
    return result;
  }
};

// `row` must outlive the statement.
soci::details::prepare_temp_type select_nodes(soci::session& sql, NodeRow& row, std::string_view condition) {
  using soci::into;
  return (sql.prepare << fmt::format("SELECT {} FROM node {}", kNodeColumns, condition), into(row.id),
          into(row.node.uuid), into(row.node.name), into(row.region), into(row.node.location), into(row.node.provider),
          into(row.rr), into(row.node.bandwidth), into(row.node.public_ipv4), into(row.node.public_ipv6),
          into(row.node.seen_ipv4), into(row.node.seen_ipv6), into(row.node.loopback_ipv4),
          into(row.node.loopback_ipv6), into(row.node.mesh_public_key), into(row.node.agent_version),
          into(row.node.status_json), into(row.last_seen), into(row.created), into(row.changes));
}

std::optional<Node> fetch_node(soci::session& sql, std::string_view name_or_uuid) {
  NodeRow row;
  const bool by_uuid = is_uuid(name_or_uuid);
  const std::string key = by_uuid ? model::lower_case(name_or_uuid) : std::string(name_or_uuid);
  const std::string condition = by_uuid ? "WHERE uuid = :key" : "WHERE name = :key";
  soci::statement one((select_nodes(sql, row, condition), soci::use(key)));
  if (!one.execute(true)) return std::nullopt;
  return row.value();
}

// Errors are Refusals: which field is taken.
Checked<void> claim_identity(const std::vector<Node>& others, Node& node) {
  std::vector<bool> taken(kMaxNodeId + 1, false);
  for (const Node& other : others) {
    taken[static_cast<std::size_t>(other.id)] = true;
    if (other.name == node.name)
      return refuse(Errc::conflict, fmt::format("a node named {} exists", node.name), "name");
  }
  if (node.id == 0) {
    for (node.id = 1; node.id <= kMaxNodeId && taken[static_cast<std::size_t>(node.id)];) ++node.id;
    if (node.id > kMaxNodeId) return refuse(Errc::conflict, fmt::format("all {} node ids are taken", kMaxNodeId), "id");
  } else if (node.id < 1 || node.id > kMaxNodeId) {
    return refuse(Errc::invalid, fmt::format("{} is not in 1 to {}", node.id, kMaxNodeId), "id");
  } else if (taken[static_cast<std::size_t>(node.id)]) {
    return refuse(Errc::conflict, fmt::format("node id {} is taken", node.id), "id");
  }
  return {};
}

void insert_node(soci::session& sql, const Node& node) {
  using soci::use;
  const long long id = node.id;
  const long long region = node.region_code;
  const long long rr = node.is_rr ? 1 : 0;
  const long long created = node.created_at;
  const long long changes = node.changes;
  sql << "INSERT INTO node (id, uuid, name, region_code, location, provider, is_rr, bandwidth, loopback_ipv4, "
         "loopback_ipv6, public_ipv4, public_ipv6, created_at, changes) "
         "VALUES (:id, :uuid, :name, :region, :location, :provider, :rr, :bandwidth, :lo4, :lo6, :v4, :v6, :created, "
         ":changes)",
      use(id), use(node.uuid), use(node.name), use(region), use(node.location), use(node.provider), use(rr),
      use(node.bandwidth), use(node.loopback_ipv4), use(node.loopback_ipv6), use(node.public_ipv4),
      use(node.public_ipv6), use(created), use(changes);
}

void update_node(soci::session& sql, const Node& node) {
  using soci::use;
  const long long id = node.id;
  const long long region = node.region_code;
  const long long rr = node.is_rr ? 1 : 0;
  sql << "UPDATE node SET region_code = :region, location = :location, provider = :provider, is_rr = :rr, "
         "bandwidth = :bandwidth, loopback_ipv4 = :lo4, loopback_ipv6 = :lo6, public_ipv4 = :v4, public_ipv6 = :v6 "
         "WHERE id = :id",
      use(region), use(node.location), use(node.provider), use(rr), use(node.bandwidth), use(node.loopback_ipv4),
      use(node.loopback_ipv6), use(node.public_ipv4), use(node.public_ipv6), use(id);
}

// Where the counter of a new node of this id begins.
std::int64_t first_changes(soci::session& sql, NodeId node) {
  long long changes = 0;
  sql << "SELECT COALESCE(MAX(changes), 1) FROM retired_node WHERE id = :id", soci::use(node), soci::into(changes);
  return changes;
}

Checked<void> check_in_network(SqlStore::State& state, soci::session& sql, const Node& node) {
  const auto settings = fetch_settings(state, sql);
  if (!settings) return std::unexpected(Refusal(settings.error()));
  return check_loopbacks(*settings, node, all_nodes(sql));
}

}  // namespace

std::vector<Node> all_nodes(soci::session& sql) {
  NodeRow row;
  soci::statement all(select_nodes(sql, row, "ORDER BY id"));
  all.execute();
  std::vector<Node> nodes;
  while (all.fetch()) nodes.push_back(row.value());
  return nodes;
}

Checked<Node> SqlStore::add_node(Node node, const TokenHash& token) {
  return guarded("add node", [&]() -> Checked<Node> {
    WriteTransaction transaction(*state_);
    if (auto claimed = claim_identity(all_nodes(transaction.sql()), node); !claimed)
      return std::unexpected(claimed.error());
    if (auto checked = check_in_network(*state_, transaction.sql(), node); !checked)
      return std::unexpected(checked.error());
    if (node.uuid.empty()) node.uuid = make_uuid();
    if (node.created_at == 0) node.created_at = state_->now();
    node.changes = first_changes(transaction.sql(), node.id);
    insert_node(transaction.sql(), node);
    ++node.changes;  // by the touch below
    put_token(transaction, node.id, token, node.created_at);
    transaction.touch_all();
    transaction.commit();
    return node;
  });
}

Result<std::vector<Node>> SqlStore::nodes() {
  return guarded("list nodes", [&]() -> Result<std::vector<Node>> {
    soci::session sql(state_->pool);
    return all_nodes(sql);
  });
}

Result<Node> SqlStore::find_node(std::string_view name_or_uuid) {
  return guarded("find node", [&]() -> Result<Node> {
    soci::session sql(state_->pool);
    auto node = fetch_node(sql, name_or_uuid);
    if (!node) return fail(Errc::not_found, fmt::format("no node {}", name_or_uuid));
    return *std::move(node);
  });
}

Result<void> SqlStore::record_heartbeat(NodeId node, const Heartbeat& heartbeat) {
  return guarded("record heartbeat", [&]() -> Result<void> {
    using soci::use;
    WriteTransaction transaction(*state_);
    soci::session& sql = transaction.sql();
    std::string key;
    std::string ipv4;
    std::string ipv6;
    sql << "SELECT mesh_public_key, seen_ipv4, seen_ipv6 FROM node WHERE id = :id", use(node), soci::into(key),
        soci::into(ipv4), soci::into(ipv6);
    if (!sql.got_data()) return fail(Errc::not_found, fmt::format("no node {}", node));
    // A heartbeat that leaves a member out says nothing about it; but of one that tells one family's address, the other
    // family has none.
    const bool tells_addresses = heartbeat.public_ipv4 || heartbeat.public_ipv6;
    const std::string new_key = heartbeat.mesh_public_key.value_or(key);
    const std::string new_ipv4 = heartbeat.public_ipv4.value_or(tells_addresses ? "" : ipv4);
    const std::string new_ipv6 = heartbeat.public_ipv6.value_or(tells_addresses ? "" : ipv6);
    const long long at = heartbeat.at;
    sql << "UPDATE node SET mesh_public_key = :key, seen_ipv4 = :v4, seen_ipv6 = :v6, agent_version = :version, "
           "status_json = :status, last_seen = :at WHERE id = :id",
        use(new_key), use(new_ipv4), use(new_ipv6), use(heartbeat.agent_version), use(heartbeat.status_json), use(at),
        use(node);
    if (new_key != key || new_ipv4 != ipv4 || new_ipv6 != ipv6) transaction.touch_all();
    transaction.commit();
    return {};
  });
}

Checked<Node> SqlStore::change_node(std::string_view name_or_uuid, const NodeDecision& decide) {
  return guarded("change node", [&]() -> Checked<Node> {
    WriteTransaction transaction(*state_);
    const auto node = fetch_node(transaction.sql(), name_or_uuid);
    if (!node) return refuse(Errc::not_found, fmt::format("no node {}", name_or_uuid));
    auto wanted = decide(*node);
    if (!wanted) return wanted;
    if (auto checked = check_in_network(*state_, transaction.sql(), *wanted); !checked)
      return std::unexpected(checked.error());
    update_node(transaction.sql(), *wanted);
    transaction.touch_all();
    transaction.commit();
    wanted->changes = node->changes + 1;
    return wanted;
  });
}

Checked<Node> SqlStore::delete_node(std::string_view name_or_uuid, bool with_sessions) {
  return guarded("delete node", [&]() -> Checked<Node> {
    using soci::use;
    WriteTransaction transaction(*state_);
    soci::session& sql = transaction.sql();
    const auto node = fetch_node(sql, name_or_uuid);
    if (!node) return refuse(Errc::not_found, fmt::format("no node {}", name_or_uuid));
    long long sessions = 0;
    sql << "SELECT COUNT(*) FROM session WHERE node_id = :node", use(node->id), soci::into(sessions);
    if (sessions > 0 && !with_sessions) {
      return refuse(Errc::conflict, fmt::format("{} has {} sessions: delete them first, so that the node removes them",
                                                node->name, sessions));
    }
    const long long changes = node->changes + 1;
    sql << "DELETE FROM session WHERE node_id = :node", use(node->id);
    sql << "DELETE FROM node WHERE id = :node", use(node->id);  // and by it all that it told, and its tokens
    sql << "INSERT INTO retired_node (id, changes) VALUES (:id, :changes) "
           "ON CONFLICT (id) DO UPDATE SET changes = excluded.changes",
        use(node->id), use(changes);
    transaction.retire(node->id, changes);
    transaction.change_tokens();
    transaction.touch_all();
    transaction.commit();
    return *node;
  });
}

}  // namespace moenet::controlplane
