// SqlStore: nodes. Their tokens are sql_tokens.cpp, how they end sql_node_ends.cpp.

#include <tuple>

#include <fmt/format.h>

#include "base/uuid.h"
#include "controlplane/loopbacks.h"
#include "controlplane/sql_audit.h"
#include "controlplane/sql_state.h"
#include "controlplane/token.h"
#include "model/text.h"

namespace moenet::controlplane {

namespace {

constexpr std::string_view kNodeColumns =
    "id, uuid, name, region_code, location, provider, is_rr, bandwidth, public_ipv4, public_ipv6, seen_ipv4, "
    "seen_ipv6, loopback_ipv4, loopback_ipv6, "
    "mesh_public_key, agent_version, status_json, last_seen, created_at, changes, version, max_sessions, is_closed, "
    "peering_note, is_leaving, min_bandwidth_mbit";

// A node while its columns are read; SOCI writes numbers as long long.
struct NodeRow {
  Node node;
  long long id = 0;
  long long region = 0;
  long long rr = 0;
  long long last_seen = 0;
  long long created = 0;
  long long changes = 0;
  long long version = 0;
  long long max_sessions = 0;
  long long closed = 0;
  long long leaving = 0;
  long long min_bandwidth = 0;

  Node value() const {
    Node result = node;
    result.id = static_cast<NodeId>(id);
    result.region_code = static_cast<int>(region);
    result.is_rr = rr != 0;
    result.last_seen = last_seen;
    result.created_at = created;
    result.changes = changes;
    result.version = version;
    result.max_sessions = static_cast<int>(max_sessions);
    result.is_closed = closed != 0;
    result.is_leaving = leaving != 0;
    result.min_bandwidth_mbit = static_cast<int>(min_bandwidth);
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
          into(row.node.status_json), into(row.last_seen), into(row.created), into(row.changes), into(row.version),
          into(row.max_sessions), into(row.closed), into(row.node.peering_note), into(row.leaving),
          into(row.min_bandwidth));
}

// Errors are Refusals: which field is taken.
Checked<void> claim_identity(const std::vector<Node>& others, Node& node) {
  std::vector<bool> taken(kMaxNodeId + 1, false);
  for (const Node& other : others) {
    if (other.id <= kMaxNodeId) taken[static_cast<std::size_t>(other.id)] = true;
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
  const long long max_sessions = node.max_sessions;
  const long long closed = node.is_closed ? 1 : 0;
  const long long min_bandwidth = node.min_bandwidth_mbit;
  sql << "INSERT INTO node (id, uuid, name, region_code, location, provider, is_rr, bandwidth, loopback_ipv4, "
         "loopback_ipv6, public_ipv4, public_ipv6, created_at, changes, max_sessions, is_closed, peering_note, "
         "min_bandwidth_mbit) "
         "VALUES (:id, :uuid, :name, :region, :location, :provider, :rr, :bandwidth, :lo4, :lo6, :v4, :v6, :created, "
         ":changes, :max_sessions, :closed, :note, :min_bandwidth)",
      use(id), use(node.uuid), use(node.name), use(region), use(node.location), use(node.provider), use(rr),
      use(node.bandwidth), use(node.loopback_ipv4), use(node.loopback_ipv6), use(node.public_ipv4),
      use(node.public_ipv6), use(created), use(changes), use(max_sessions), use(closed), use(node.peering_note),
      use(min_bandwidth);
}

void update_node(soci::session& sql, const Node& node) {
  using soci::use;
  const long long id = node.id;
  const long long region = node.region_code;
  const long long rr = node.is_rr ? 1 : 0;
  const long long version = node.version;
  const long long max_sessions = node.max_sessions;
  const long long closed = node.is_closed ? 1 : 0;
  const long long min_bandwidth = node.min_bandwidth_mbit;
  sql << "UPDATE node SET region_code = :region, location = :location, provider = :provider, is_rr = :rr, "
         "bandwidth = :bandwidth, loopback_ipv4 = :lo4, loopback_ipv6 = :lo6, public_ipv4 = :v4, public_ipv6 = :v6, "
         "max_sessions = :max_sessions, is_closed = :closed, peering_note = :note, "
         "min_bandwidth_mbit = :min_bandwidth, version = :version WHERE id = :id",
      use(region), use(node.location), use(node.provider), use(rr), use(node.bandwidth), use(node.loopback_ipv4),
      use(node.loopback_ipv6), use(node.public_ipv4), use(node.public_ipv6), use(max_sessions), use(closed),
      use(node.peering_note), use(min_bandwidth), use(version), use(id);
}

// What people change of a node.
auto fields_of_people(const Node& node) {
  return std::tie(node.region_code, node.location, node.provider, node.is_rr, node.bandwidth, node.loopback_ipv4,
                  node.loopback_ipv6, node.public_ipv4, node.public_ipv6, node.max_sessions, node.is_closed,
                  node.peering_note, node.min_bandwidth_mbit);
}

// What other nodes read of what a node tells.
struct Seen {
  std::string mesh_public_key;
  std::string ipv4;
  std::string ipv6;

  friend bool operator==(const Seen&, const Seen&) = default;
};

Result<Seen> read_seen(soci::session& sql, NodeId node, std::string_view row_lock) {
  Seen seen;
  sql << fmt::format("SELECT mesh_public_key, seen_ipv4, seen_ipv6 FROM node WHERE id = :id{}", row_lock),
      soci::use(node), soci::into(seen.mesh_public_key), soci::into(seen.ipv4), soci::into(seen.ipv6);
  if (!sql.got_data()) return fail(Errc::not_found, fmt::format("no node {}", node));
  return seen;
}

// A heartbeat that leaves a member out says nothing about it; but of one that tells one family's address, the other
// family has none.
Seen seen_after(const Seen& before, const Heartbeat& heartbeat) {
  const bool tells_addresses = heartbeat.public_ipv4 || heartbeat.public_ipv6;
  return {heartbeat.mesh_public_key.value_or(before.mesh_public_key),
          heartbeat.public_ipv4.value_or(tells_addresses ? "" : before.ipv4),
          heartbeat.public_ipv6.value_or(tells_addresses ? "" : before.ipv6)};
}

void update_seen(soci::session& sql, NodeId node, const Seen& seen, const Heartbeat& heartbeat) {
  using soci::use;
  const long long at = heartbeat.at;
  sql << "UPDATE node SET mesh_public_key = :key, seen_ipv4 = :v4, seen_ipv6 = :v6, agent_version = :version, "
         "status_json = :status, last_seen = :at WHERE id = :id",
      use(seen.mesh_public_key), use(seen.ipv4), use(seen.ipv6), use(heartbeat.agent_version),
      use(heartbeat.status_json), use(at), use(node);
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
  return check_loopbacks(settings->settings, node, all_nodes(sql));
}

}  // namespace

std::optional<Node> fetch_node(soci::session& sql, std::string_view name_or_uuid) {
  NodeRow row;
  const bool by_uuid = is_uuid(name_or_uuid);
  const std::string key = by_uuid ? model::lower_case(name_or_uuid) : std::string(name_or_uuid);
  if (!is_plain_text(key)) return std::nullopt;
  const std::string condition = by_uuid ? "WHERE uuid = :key" : "WHERE name = :key";
  soci::statement one((select_nodes(sql, row, condition), soci::use(key)));
  if (!one.execute(true)) return std::nullopt;
  return row.value();
}

std::vector<Node> all_nodes(soci::session& sql) {
  NodeRow row;
  soci::statement all(select_nodes(sql, row, "ORDER BY id"));
  all.execute();
  std::vector<Node> nodes;
  while (all.fetch()) nodes.push_back(row.value());
  return nodes;
}

Checked<Node> SqlStore::add_node(const Author& by, Node node, const TokenHash& token) {
  return guarded(*state_, "add node", [&]() -> Checked<Node> {
    WriteTransaction transaction(*state_);
    if (auto claimed = claim_identity(all_nodes(transaction.sql()), node); !claimed)
      return std::unexpected(claimed.error());
    if (auto checked = check_in_network(*state_, transaction.sql(), node); !checked)
      return std::unexpected(checked.error());
    if (node.uuid.empty()) node.uuid = make_uuid();
    if (node.created_at == 0) node.created_at = state_->now();
    node.version = 1;
    node.changes = first_changes(transaction.sql(), node.id);
    insert_node(transaction.sql(), node);
    ++node.changes;  // by the touch below
    put_token(transaction, node.id, token, state_->now());
    audit_change<Node>(transaction, by, state_->now(), "node.add", nullptr, &node);
    transaction.touch_all();
    transaction.commit();
    return node;
  });
}

Result<std::vector<Node>> SqlStore::nodes() {
  return guarded(*state_, "list nodes", [&]() -> Result<std::vector<Node>> {
    ReadTransaction transaction(*state_);
    soci::session& sql = transaction.sql();
    return all_nodes(sql);
  });
}

Result<Node> SqlStore::find_node(std::string_view name_or_uuid) {
  return guarded(*state_, "find node", [&]() -> Result<Node> {
    ReadTransaction transaction(*state_);
    soci::session& sql = transaction.sql();
    auto node = fetch_node(sql, name_or_uuid);
    if (!node) return fail(Errc::not_found, fmt::format("no node {}", name_or_uuid));
    return *std::move(node);
  });
}

Result<void> SqlStore::record_heartbeat(NodeId node, const Heartbeat& heartbeat) {
  return guarded(*state_, "record heartbeat", [&]() -> Result<void> {
    for (const Writes writes : {Writes::told, Writes::anything}) {
      WriteTransaction transaction(*state_, writes);
      TRY(const Seen before, read_seen(transaction.sql(), node, state_->engine->row_lock()));
      const Seen after = seen_after(before, heartbeat);
      // What other nodes read of this one is written alone, with all counters; it is seldom.
      if (after != before && writes == Writes::told) continue;
      update_seen(transaction.sql(), node, after, heartbeat);
      if (after != before) transaction.touch_all();
      transaction.commit();
      break;
    }
    return {};
  });
}

Checked<Node> SqlStore::change_node(const Author& by, std::string_view name_or_uuid, const NodeDecision& decide,
                                    ExpectedVersion expected) {
  return guarded(*state_, "change node", [&]() -> Checked<Node> {
    WriteTransaction transaction(*state_);
    const auto node = fetch_node(transaction.sql(), name_or_uuid);
    if (!node) return refuse(Errc::not_found, fmt::format("no node {}", name_or_uuid));
    if (auto same = check_version(node->version, expected); !same) return std::unexpected(same.error());
    auto wanted = decide(*node);
    if (!wanted) return wanted;
    if (fields_of_people(*wanted) == fields_of_people(*node)) return *node;
    if (auto checked = check_in_network(*state_, transaction.sql(), *wanted); !checked)
      return std::unexpected(checked.error());
    wanted->version = node->version + 1;
    update_node(transaction.sql(), *wanted);
    audit_change(transaction, by, state_->now(), "node.change", &*node, &*wanted);
    transaction.touch_all();
    transaction.commit();
    wanted->changes = node->changes + 1;
    return wanted;
  });
}

}  // namespace moenet::controlplane
