// SqlEngine on PostgreSQL: several control planes share one database. Transactions are READ COMMITTED behind one
// advisory lock, so that a writer sees all that the writer before it committed and none is ever rolled back for
// another's sake.

#include <map>

#include <fmt/format.h>
#include <soci/postgresql/soci-postgresql.h>

#include "controlplane/sql_engine.h"

namespace moenet::controlplane {

namespace {

constexpr int kOldestServer = 150'000;  // PostgreSQL 15: the oldest that the tests run on
// The lock's number, this program's own in a database: "moenet" in ASCII.
constexpr long long kWriteLock = 0x6d6f'656e'6574;

// How long libpq waits, unless the URI says otherwise. All in seconds but tcp_user_timeout (ms). Chosen: a server that
// vanished is noticed within 15 s, sooner than an agent's or a browser's patience ends.
const std::map<std::string, std::string> kDefaults = {
    {"connect_timeout", "4"},   {"keepalives_idle", "5"},      {"keepalives_interval", "3"},
    {"keepalives_count", "3"},  {"tcp_user_timeout", "15000"}, {"application_name", "moenet-controlplane"},
    {"client_encoding", "UTF8"}};

// keyword='value', as libpq reads it.
Result<std::string> connection_text(const Secret& uri) {
  char* fault = nullptr;
  PQconninfoOption* options = PQconninfoParse(std::string(uri.reveal()).c_str(), &fault);
  PQfreemem(fault);
  if (options == nullptr) return fail(Errc::invalid, "no valid postgresql:// URI");
  auto parts = kDefaults;
  for (const PQconninfoOption* option = options; option->keyword != nullptr; ++option) {
    if (option->val != nullptr) parts[option->keyword] = option->val;
  }
  PQconninfoFree(options);
  std::string text;
  for (const auto& [keyword, value] : parts) {
    text += keyword + "='";
    for (const char c : value) text += c == '\'' || c == '\\' ? std::string{'\\', c} : std::string(1, c);
    text += "' ";
  }
  return text;
}

PGconn* connection_of(soci::session& sql) {
  // Not get_backend() of a closed session, which is null.
  auto* backend = static_cast<soci::postgresql_session_backend*>(sql.get_backend());
  return backend == nullptr ? nullptr : backend->conn_;
}

// What libpq's notices would print to stderr belongs in nobody's log.
void ignore_notice(void*, const PGresult*) {}

class PostgresqlEngine final : public SqlEngine {
 public:
  explicit PostgresqlEngine(std::string connection) : connection_(std::move(connection)) {}

  bool is_sqlite() const override { return false; }
  bool is_shared() const override { return true; }

  void connect(soci::session& sql) const override {
    sql.close();
    sql.open(soci::postgresql, connection_);
  }

  void prepare(soci::session& sql) const override {
    PGconn* connection = connection_of(sql);
    PQsetNoticeReceiver(connection, ignore_notice, nullptr);
    PQsetErrorVerbosity(connection, PQERRORS_TERSE);  // the detail repeats values, and some are secret
    if (PQserverVersion(connection) < kOldestServer) throw soci::soci_error("PostgreSQL 15 or newer is needed");
    const char* encoding = PQparameterStatus(connection, "server_encoding");
    if (encoding == nullptr || std::string_view(encoding) != "UTF8") {
      throw soci::soci_error(
          "the database's encoding must be UTF8 (CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0)");
    }
    // Chosen: a write waits no longer than SQLite's does, and a process that stands still with the lock in its hand
    // loses it before the agents' patience ends.
    sql << "SET lock_timeout = '5s'";
    sql << "SET statement_timeout = '10s'";
    sql << "SET idle_in_transaction_session_timeout = '10s'";
    // What was answered with success must survive; a stricter setting of the server's stays.
    sql << "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";
  }

  // libpq does not always know yet: a server that ends says so (57P01, 57P02) before it closes, and what only libpq
  // says, as when the server is gone, has no SQLSTATE.
  bool is_lost(soci::session& sql, const soci::soci_error& failure) const override {
    const PGconn* connection = connection_of(sql);
    if (connection == nullptr || PQstatus(connection) != CONNECTION_OK) return true;
    const auto* known = dynamic_cast<const soci::postgresql_soci_error*>(&failure);
    if (known == nullptr) return true;
    const std::string state = known->sqlstate();
    return state.starts_with("57P") || state.starts_with("08") || state.find_first_not_of(' ') == std::string::npos;
  }
  int socket_of(soci::session& sql) const override {
    const PGconn* connection = connection_of(sql);
    return connection == nullptr ? -1 : PQsocket(connection);
  }

  // The lock is a statement of its own: READ COMMITTED takes a snapshot per statement, so those after it see what the
  // lock's last holder committed.
  void begin_write(soci::session& sql, Writes writes) const override {
    sql << "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
    sql << fmt::format("SELECT pg_advisory_xact_lock{}({})", writes == Writes::told ? "_shared" : "", kWriteLock);
  }
  void begin_read(soci::session& sql) const override { sql << "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"; }

  // A step over a large table may take its time; the others wait for it rather than fail.
  void begin_migration(soci::session& sql) const override {
    sql << "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
    sql << "SET LOCAL statement_timeout = 0";
    sql << "SET LOCAL lock_timeout = 0";
    sql << fmt::format("SELECT pg_advisory_xact_lock({})", kWriteLock);
  }
  Result<void> end_migration(soci::session& sql) const override {
    sql << "COMMIT";
    return {};
  }

  std::string_view row_lock() const override { return " FOR NO KEY UPDATE"; }
  void notify(soci::session& sql, const std::string& message) const override {
    sql << "SELECT pg_notify('moenet', :message)", soci::use(message);
  }

  // PostgreSQL's appendix A: 22… is text or a number that it does not take, 42501 a right that is missing.
  Errc code_of(const soci::soci_error& failure) const override {
    const auto* known = dynamic_cast<const soci::postgresql_soci_error*>(&failure);
    if (known == nullptr) return Errc::unavailable;
    if (known->sqlstate().starts_with("22")) return Errc::invalid;
    if (known->sqlstate() == "42501") return Errc::denied;
    return Errc::unavailable;
  }

 private:
  std::string connection_;
};

}  // namespace

Result<std::unique_ptr<SqlEngine>> make_postgresql_engine(const Secret& uri) {
  TRY(auto connection, connection_text(uri));
  return std::make_unique<PostgresqlEngine>(std::move(connection));
}

}  // namespace moenet::controlplane
