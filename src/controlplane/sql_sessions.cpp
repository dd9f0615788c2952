// SqlStore: sessions.

#include <set>

#include <fmt/format.h>

#include "base/ip.h"
#include "controlplane/sql_audit.h"
#include "controlplane/sql_state.h"
#include "model/text.h"

namespace moenet::controlplane {

namespace {

constexpr std::string_view kSessionColumns =
    "uuid, node_id, asn, name, description, status, ipv4, ipv6, ipv6_link_local, type, extensions, interface_name, "
    "endpoint, "
    "credential, data, mtu, port, policy, last_error, created_at, updated_at, version";

// A row in the form that SOCI reads and writes: numbers are long long.
struct Columns {
  StoredSession row;
  long long node = 0;
  long long asn = 0;
  long long status = 0;
  long long mtu = 0;
  long long port = 0;
  long long created = 0;
  long long updated = 0;
  long long version = 0;

  Columns() = default;
  explicit Columns(const StoredSession& session)
      : row(session),
        node(session.node),
        asn(session.asn),
        status(static_cast<long long>(session.status)),
        mtu(session.mtu),
        port(session.port),
        created(session.created_at),
        updated(session.updated_at),
        version(session.version) {}

  StoredSession value() const {
    StoredSession session = row;
    session.node = static_cast<NodeId>(node);
    session.asn = static_cast<model::Asn>(asn);
    // A number that is no status can only come from another writer of the database. PENDING has the node leave alone
    // what it has, as an unknown status would (wire contract A3), and leaves the decision to an operator.
    session.status = model::session_status_from_int(status).value_or(model::SessionStatus::pending);
    session.mtu = mtu;
    session.port = port;
    session.created_at = created;
    session.updated_at = updated;
    session.version = version;
    return session;
  }
};

// `columns` must outlive the statement.
soci::details::prepare_temp_type select_sessions(soci::session& sql, Columns& columns, std::string_view condition) {
  using soci::into;
  StoredSession& row = columns.row;
  return (sql.prepare << fmt::format("SELECT {} FROM session {}", kSessionColumns, condition), into(row.uuid),
          into(columns.node), into(columns.asn), into(row.name), into(row.description), into(columns.status),
          into(row.ipv4), into(row.ipv6), into(row.ipv6_link_local), into(row.type), into(row.extensions_json),
          into(row.interface_name), into(row.endpoint), into(row.credential), into(row.data_json), into(columns.mtu),
          into(columns.port), into(row.policy), into(row.last_error), into(columns.created), into(columns.updated),
          into(columns.version));
}

std::vector<StoredSession> fetch_all(soci::statement& statement, const Columns& columns) {
  std::vector<StoredSession> rows;
  statement.execute();
  while (statement.fetch()) rows.push_back(columns.value());
  return rows;
}

std::optional<StoredSession> fetch_one(soci::session& sql, std::string_view uuid) {
  Columns columns;
  const std::string key = model::lower_case(uuid);
  if (!is_plain_text(key)) return std::nullopt;
  soci::statement one((select_sessions(sql, columns, "WHERE uuid = :uuid"), soci::use(key)));
  if (!one.execute(true)) return std::nullopt;
  return columns.value();
}

bool has_texts(const SessionQuery& query) { return !query.words.empty() || !query.key.empty(); }

// Condition, order and limit; words and key, where there is one of them, are left to be bound. Numbers are ours.
std::string text_of(const SessionQuery& query, const SqlEngine& engine) {
  std::string text = "WHERE 0 = 0";
  if (query.node) text += fmt::format(" AND node_id = {}", *query.node);
  if (query.asn) text += fmt::format(" AND asn = {}", *query.asn);
  if (query.status) text += fmt::format(" AND status = {}", static_cast<int>(*query.status));
  if (query.after_node != 0) text += fmt::format(" AND (node_id, asn) > ({}, {})", query.after_node, query.after_asn);
  if (has_texts(query)) {
    constexpr std::string_view kNames =
        "'as' || asn || '\n' || name || '\n' || description || '\n' || endpoint || "
        "'\n' || uuid";
    // An empty text is found everywhere. JSON from elsewhere may say "\/" for "/".
    const std::string_view found = engine.is_sqlite() ? "instr" : "strpos";
    text += fmt::format(" AND {}(lower({}), :words) > 0", found, kNames);
    text += fmt::format(" AND {}(replace(credential, '\\/', '/'), :key) > 0", found);
  }
  text += " ORDER BY node_id, asn";
  if (query.limit != 0) text += fmt::format(" LIMIT {}", query.limit);
  return text;
}

// The ASN of another session of the node with this value in a column, or nothing.
template <class T>
std::optional<long long> holder(soci::session& sql, const StoredSession& row, std::string_view column, const T& value) {
  long long asn = 0;
  sql << fmt::format("SELECT asn FROM session WHERE node_id = :node AND {} = :value AND uuid <> :uuid", column),
      soci::use(row.node), soci::use(value), soci::use(row.uuid), soci::into(asn);
  if (!sql.got_data()) return std::nullopt;
  return asn;
}

bool is_routed(const std::string& peer_address) {
  const auto address = IpAddress::parse(peer_address);
  return address && !address->is_link_local();
}

// The unique indexes hold the rules of asn, interface and port too; asking first is what gives the field its name.
// Addresses have no index, because imported rows may hold anything.
Checked<void> check_claims(soci::session& sql, const StoredSession& row) {
  const auto taken = [](std::string_view what, long long by, std::string field) {
    return refuse(Errc::conflict, fmt::format("{} is taken by AS{} on this node", what, by), std::move(field));
  };
  const long long asn = row.asn;
  const long long port = row.port;
  if (holder(sql, row, "asn", asn)) {
    return refuse(Errc::conflict, fmt::format("AS{} has a session on this node", row.asn), "asn");
  }
  if (const auto by = holder(sql, row, "interface_name", row.interface_name)) {
    return taken("interface " + row.interface_name, *by, "interface");
  }
  if (port != 0) {
    if (const auto by = holder(sql, row, "port", port)) return taken(fmt::format("listen port {}", port), *by, "port");
  }
  // The agent routes each of these to its link (model::Peering), whichever of them BGP uses.
  for (const auto& [field, address] : {std::pair("ipv4", row.ipv4), std::pair("ipv6", row.ipv6)}) {
    if (!is_routed(address)) continue;
    if (const auto by = holder(sql, row, field, address)) return taken("address " + address, *by, field);
  }
  return {};
}

void insert_session(soci::session& sql, const StoredSession& session) {
  using soci::use;
  const Columns c(session);
  sql << fmt::format(
      "INSERT INTO session ({}) VALUES (:uuid, :node, :asn, :name, :description, :status, :v4, :v6, :ll, :type, :ext, "
      ":if, "
      ":endpoint, :credential, :data, :mtu, :port, :policy, :error, :created, :updated, :version)",
      kSessionColumns),
      use(c.row.uuid), use(c.node), use(c.asn), use(c.row.name), use(c.row.description), use(c.status), use(c.row.ipv4),
      use(c.row.ipv6), use(c.row.ipv6_link_local), use(c.row.type), use(c.row.extensions_json),
      use(c.row.interface_name), use(c.row.endpoint), use(c.row.credential), use(c.row.data_json), use(c.mtu),
      use(c.port), use(c.row.policy), use(c.row.last_error), use(c.created), use(c.updated), use(c.version);
}

void update_session(soci::session& sql, const StoredSession& session) {
  using soci::use;
  const Columns c(session);
  sql << "UPDATE session SET asn = :asn, name = :name, description = :description, status = :status, ipv4 = :v4, ipv6 "
         "= :v6, "
         "ipv6_link_local = :ll, type = :type, extensions = :ext, interface_name = :if, endpoint = :endpoint, "
         "credential = :credential, data = :data, mtu = :mtu, port = :port, policy = :policy, last_error = :error, "
         "updated_at = :updated, version = :version WHERE uuid = :uuid",
      use(c.asn), use(c.row.name), use(c.row.description), use(c.status), use(c.row.ipv4), use(c.row.ipv6),
      use(c.row.ipv6_link_local), use(c.row.type), use(c.row.extensions_json), use(c.row.interface_name),
      use(c.row.endpoint), use(c.row.credential), use(c.row.data_json), use(c.mtu), use(c.port), use(c.row.policy),
      use(c.row.last_error), use(c.updated), use(c.version), use(c.row.uuid);
}

// May `row` become `wanted`? An unchanged claim is not asked about again: an imported row may hold one twice.
bool claims_differ(const StoredSession& row, const StoredSession& wanted) {
  return row.asn != wanted.asn || row.interface_name != wanted.interface_name || row.port != wanted.port ||
         row.ipv4 != wanted.ipv4 || row.ipv6 != wanted.ipv6;
}

// A node may say the same status in other words as often as it likes.
bool is_worth_auditing(const StoredSession& row, StoredSession wanted) {
  wanted.last_error = row.last_error;
  wanted.version = row.version;
  wanted.updated_at = row.updated_at;
  return wanted != row;
}

Changed carry_out(WriteTransaction& transaction, MoveRecorder& moves, const Author& by, const SessionChange& change,
                  UnixMs now, std::set<NodeId>& shrunk) {
  soci::session& sql = transaction.sql();
  auto row = fetch_one(sql, change.uuid);
  if (!row) return refuse(Errc::not_found, fmt::format("no session {}", change.uuid));
  if (auto same = check_version(row->version, change.expected); !same) return std::unexpected(same.error());
  auto verdict = change.decide(*row);
  if (!verdict) return std::unexpected(verdict.error());
  if (std::holds_alternative<Keep>(*verdict)) return row;
  if (std::holds_alternative<Drop>(*verdict)) {
    sql << "DELETE FROM session WHERE uuid = :uuid", soci::use(row->uuid);
    forget_series_of(sql, row->uuid);
    moves.record(*row, row->status, std::nullopt, {by.who, change.reason});
    transaction.touch(row->node);
    audit_change<StoredSession>(transaction, by, now, "session.delete", &*row, nullptr);
    shrunk.insert(row->node);
    return std::nullopt;
  }
  StoredSession wanted = std::move(std::get<Replace>(*verdict).row);
  wanted.uuid = row->uuid;
  wanted.node = row->node;
  wanted.created_at = row->created_at;
  wanted.version = row->version;
  wanted.updated_at = row->updated_at;
  if (wanted == *row) return row;
  if (claims_differ(*row, wanted)) {
    if (auto free = check_claims(sql, wanted); !free) return std::unexpected(free.error());
  }
  wanted.version = row->version + 1;
  wanted.updated_at = now;
  update_session(sql, wanted);
  if (is_worth_auditing(*row, wanted)) audit_change(transaction, by, now, "session.change", &*row, &wanted);
  if (wanted.status != row->status) moves.record(wanted, row->status, wanted.status, {by.who, change.reason});
  transaction.touch(row->node);
  return wanted;
}

}  // namespace

Result<SessionsOfNode> SqlStore::sessions_of(NodeId node) {
  return guarded(*state_, "list sessions", [&]() -> Result<SessionsOfNode> {
    ReadTransaction transaction(*state_);
    SessionsOfNode result;
    long long changes = 0;
    transaction.sql() << "SELECT changes FROM node WHERE id = :id", soci::use(node), soci::into(changes);
    if (!transaction.sql().got_data()) return fail(Errc::not_found, fmt::format("no node {}", node));
    result.changes = changes;
    Columns columns;
    soci::statement all(
        (select_sessions(transaction.sql(), columns, "WHERE node_id = :node ORDER BY asn"), soci::use(node)));
    result.rows = fetch_all(all, columns);
    return result;
  });
}

Result<std::vector<StoredSession>> SqlStore::sessions(const SessionQuery& query) {
  return guarded(*state_, "list sessions", [&]() -> Result<std::vector<StoredSession>> {
    ReadTransaction transaction(*state_);
    soci::session& sql = transaction.sql();
    Columns columns;
    if (!has_texts(query)) {
      soci::statement all(select_sessions(sql, columns, text_of(query, *state_->engine)));
      return fetch_all(all, columns);
    }
    if (!is_plain_text(query.words) || !is_plain_text(query.key)) return std::vector<StoredSession>();
    soci::statement all(
        (select_sessions(sql, columns, text_of(query, *state_->engine)), soci::use(query.words), soci::use(query.key)));
    return fetch_all(all, columns);
  });
}

Result<StoredSession> SqlStore::find_session(std::string_view uuid) {
  return guarded(*state_, "find session", [&]() -> Result<StoredSession> {
    ReadTransaction transaction(*state_);
    soci::session& sql = transaction.sql();
    auto row = fetch_one(sql, uuid);
    if (!row) return fail(Errc::not_found, fmt::format("no session {}", uuid));
    return std::move(*row);
  });
}

Checked<StoredSession> SqlStore::add_session(const Author& by, StoredSession row) {
  return guarded(*state_, "add session", [&]() -> Checked<StoredSession> {
    WriteTransaction transaction(*state_);
    if (auto takes = check_takes_sessions(transaction.sql(), row.node); !takes) return std::unexpected(takes.error());
    if (auto free = check_claims(transaction.sql(), row); !free) return std::unexpected(free.error());
    insert_session(transaction.sql(), row);
    audit_change<StoredSession>(transaction, by, state_->now(), "session.add", nullptr, &row);
    MoveRecorder(*state_, transaction.sql()).record(row, std::nullopt, row.status, {by.who, ""});
    transaction.touch(row.node);
    transaction.commit();
    return std::move(row);
  });
}

Result<std::vector<Changed>> SqlStore::change_sessions(const Author& by, const std::vector<SessionChange>& changes) {
  return guarded(*state_, "change sessions", [&]() -> Result<std::vector<Changed>> {
    WriteTransaction transaction(*state_);
    std::vector<Changed> results;
    results.reserve(changes.size());
    MoveRecorder moves(*state_, transaction.sql());
    std::set<NodeId> shrunk;  // nodes that lost a session
    for (const SessionChange& change : changes)
      results.push_back(carry_out(transaction, moves, by, change, state_->now(), shrunk));
    for (const NodeId node : shrunk) forget_if_left(transaction, by, state_->now(), node);
    transaction.commit();
    return results;
  });
}

}  // namespace moenet::controlplane
