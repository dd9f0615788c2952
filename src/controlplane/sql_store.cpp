#include "controlplane/sql_store.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>

#include <fmt/format.h>

#include "base/fd.h"
#include "controlplane/sql_migrations.h"
#include "controlplane/sql_state.h"
#include "controlplane/token.h"

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

}  // namespace

Result<std::unique_ptr<SqlEngine>> make_engine(const DatabaseName& database) {
  if (!database.is_file()) return make_postgresql_engine(database.uri);
  // SOCI's connection text has no way to quote these.
  if (database.file.string().find_first_of(" \"'\n\t") != std::string::npos) {
    return fail(Errc::invalid,
                fmt::format("database path \"{}\": no spaces or quotes, please", database.file.string()));
  }
  TRY_VOID(make_private_file(database.file));
  return make_sqlite_engine(database.file);
}

SqlStore::State::State(std::unique_ptr<SqlEngine> on, std::size_t connections, std::function<UnixMs()> clock,
                       const SqlOptions& given)
    : engine(std::move(on)),
      instance(make_uuid()),
      options(given),
      now(std::move(clock)),
      pool(connections),
      watch(given.longest_call) {}

void SqlStore::State::tell(NodeId node, std::int64_t changes) {
  const std::shared_lock lock(on_change_mutex);
  if (on_change) on_change(node, changes);
}

Result<std::unique_ptr<SqlStore>> SqlStore::open(const DatabaseName& database, std::function<UnixMs()> now,
                                                 const SqlOptions& options) {
  const std::string action = fmt::format("open database {}", database.shown());
  TRY(auto engine, make_engine(database));
  auto state = std::make_unique<State>(std::move(engine), kConnections, std::move(now), options);
  return guarded(*state, action, [&]() -> Result<std::unique_ptr<SqlStore>> {
    for (std::size_t i = 0; i < kConnections; ++i) connect(*state, state->pool.at(i));
    if (auto migrated = migrate(*state->engine, state->pool.at(0), state->now()); !migrated) {
      return std::unexpected(with_context(migrated.error(), action));
    }
    state->read_tokens_again(state->pool.at(0));
    if (state->engine->is_shared()) state->listener = std::make_unique<SqlListener>(*state);
    return std::unique_ptr<SqlStore>(new SqlStore(std::move(state)));
  });
}

Result<std::unique_ptr<SqlStore>> SqlStore::open_sqlite(const std::filesystem::path& file,
                                                        std::function<UnixMs()> now) {
  return open(DatabaseName{file, {}}, std::move(now));
}

SqlStore::SqlStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
SqlStore::~SqlStore() = default;

void SqlStore::set_change_listener(ChangeListener listener) {
  const std::lock_guard lock(state_->on_change_mutex);
  state_->on_change = std::move(listener);
}

StoreCounters SqlStore::counters() const {
  const auto& counted = state_->counters;
  return {counted.reads,         counted.writes,         counted.errors,           counted.reconnects,
          counted.notifications, counted.readings_taken, counted.readings_ignored, counted.deliveries_dropped};
}

}  // namespace moenet::controlplane
