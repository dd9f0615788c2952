#include "controlplane/sql_store.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>

#include <fmt/format.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include "base/fd.h"
#include "controlplane/sql_state.h"

namespace moenet::controlplane {

namespace {

// Chosen: as many as there are workers (service.h), so that no worker waits for a connection.
constexpr std::size_t kConnections = 4;

// The file must not be readable by others: it holds preshared keys. The WAL and index files take its mode.
Result<void> make_private_file(const std::filesystem::path& file) {
  const UniqueFd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return std::unexpected(error_from_errno(errno, fmt::format("open database {}", file.string())));
  if (::fchmod(fd.get(), 0600) != 0)
    return std::unexpected(error_from_errno(errno, fmt::format("chmod 600 {}", file.string())));
  return {};
}

void prepare_connection(soci::session& sql) {
  sql << "PRAGMA busy_timeout = 5000";  // chosen: longer than any transaction here, shorter than an agent's patience
  sql << "PRAGMA journal_mode = WAL";
  sql << "PRAGMA synchronous = FULL";
  sql << "PRAGMA foreign_keys = ON";
}

}  // namespace

Error error_from_database(const std::exception& failure, std::string_view action) {
  return {Errc::unavailable, fmt::format("{}: {}", action, failure.what())};
}

WriteTransaction::WriteTransaction(SqlStore::State& state) : state_(state), sql_(state.pool) {
  sql_ << "BEGIN IMMEDIATE";
}

WriteTransaction::~WriteTransaction() {
  if (!open_) return;
  try {
    sql_ << "ROLLBACK";
  } catch (const std::exception&) {
    // The database rolled back by itself, or is gone: either way nothing of this transaction stays.
  }
}

void WriteTransaction::commit() {
  std::vector<std::pair<NodeId, std::int64_t>> raised = std::move(retired_);
  if (all_) {
    sql_ << "UPDATE node SET changes = changes + 1";
  } else {
    for (const NodeId node : touched_) sql_ << "UPDATE node SET changes = changes + 1 WHERE id = :id", soci::use(node);
  }
  if (all_ || !touched_.empty()) {
    long long id = 0;
    long long changes = 0;
    soci::statement all = (sql_.prepare << "SELECT id, changes FROM node", soci::into(id), soci::into(changes));
    all.execute();
    while (all.fetch()) {
      const auto node = static_cast<NodeId>(id);
      if (all_ || touched_.contains(node)) raised.emplace_back(node, changes);
    }
  }
  if (tokens_) {
    auto tokens = read_tokens(sql_);
    // Held over the commit: two of them must not replace the tokens in the other order.
    const std::lock_guard lock(state_.tokens_mutex);
    sql_ << "COMMIT";
    state_.tokens = std::move(tokens);
  } else {
    sql_ << "COMMIT";
  }
  open_ = false;
  if (!state_.on_change) return;
  for (const auto& [node, changes] : raised) state_.on_change(node, changes);
}

ReadTransaction::ReadTransaction(SqlStore::State& state) : sql_(state.pool) { sql_ << "BEGIN"; }

ReadTransaction::~ReadTransaction() {
  try {
    sql_ << "ROLLBACK";
  } catch (const std::exception&) {
    // Nothing was written; a connection that is gone has no transaction to end.
  }
}

Result<std::unique_ptr<SqlStore>> SqlStore::open_sqlite(const std::filesystem::path& file,
                                                        std::function<UnixMs()> now) {
  // SOCI's connection text has no way to quote these.
  if (file.string().find_first_of(" \"'\n\t") != std::string::npos) {
    return fail(Errc::invalid, fmt::format("database path \"{}\": no spaces or quotes, please", file.string()));
  }
  TRY_VOID(make_private_file(file));
  const std::string action = fmt::format("open database {}", file.string());
  return guarded(action, [&]() -> Result<std::unique_ptr<SqlStore>> {
    auto state = std::make_unique<State>(kConnections);
    for (std::size_t i = 0; i < kConnections; ++i) {
      soci::session& sql = state->pool.at(i);
      sql.open(soci::sqlite3, "dbname=" + file.string());
      prepare_connection(sql);
    }
    state->now = std::move(now);
    if (auto migrated = migrate(state->pool.at(0), state->now()); !migrated) {
      return std::unexpected(with_context(migrated.error(), action));
    }
    state->tokens = read_tokens(state->pool.at(0));
    return std::unique_ptr<SqlStore>(new SqlStore(std::move(state)));
  });
}

SqlStore::SqlStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
SqlStore::~SqlStore() = default;

void SqlStore::set_change_listener(ChangeListener listener) { state_->on_change = std::move(listener); }

}  // namespace moenet::controlplane
