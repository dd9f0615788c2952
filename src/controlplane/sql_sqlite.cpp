// SqlEngine on SQLite: one file, one process that writes. Write-ahead log, so that readers and the writer do not wait
// for each other; synchronous, so that a commit survives a power cut.

#include <fmt/format.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include "controlplane/sql_engine.h"

namespace moenet::controlplane {

namespace {

class SqliteEngine final : public SqlEngine {
 public:
  explicit SqliteEngine(std::filesystem::path file) : file_(std::move(file)) {}

  bool is_sqlite() const override { return true; }
  bool is_shared() const override { return false; }

  void connect(soci::session& sql) const override {
    sql.close();
    sql.open(soci::sqlite3, "dbname=" + file_.string());
  }
  void prepare(soci::session& sql) const override {
    sql << "PRAGMA busy_timeout = 5000";  // chosen: longer than any transaction here, shorter than an agent's patience
    sql << "PRAGMA journal_mode = WAL";
    sql << "PRAGMA synchronous = FULL";
    sql << "PRAGMA foreign_keys = ON";
  }

  bool is_lost(soci::session&, const soci::soci_error&) const override { return false; }
  int socket_of(soci::session&) const override { return -1; }

  // At once: SQLite would refuse to make a writer of a reader later.
  void begin_write(soci::session& sql, Writes) const override { sql << "BEGIN IMMEDIATE"; }
  void begin_read(soci::session& sql) const override { sql << "BEGIN"; }

  // A table is made anew where SQLite cannot alter it, which must not delete what refers to it (SQLite's "Making Other
  // Kinds Of Table Schema Changes"). The pragma does nothing inside a transaction.
  void begin_migration(soci::session& sql) const override {
    sql << "PRAGMA foreign_keys = OFF";
    sql << "BEGIN IMMEDIATE";
  }
  Result<void> end_migration(soci::session& sql) const override {
    std::string table;
    sql << "SELECT \"table\" FROM pragma_foreign_key_check LIMIT 1", soci::into(table);
    if (sql.got_data()) return fail(Errc::internal, fmt::format("rows of {} would refer to nothing", table));
    sql << "COMMIT";
    sql << "PRAGMA foreign_keys = ON";
    return {};
  }

  std::string_view row_lock() const override { return ""; }  // a writer is alone
  void notify(soci::session&, const std::string&) const override {}
  Errc code_of(const soci::soci_error&) const override { return Errc::unavailable; }

 private:
  std::filesystem::path file_;
};

}  // namespace

std::unique_ptr<SqlEngine> make_sqlite_engine(std::filesystem::path file) {
  return std::make_unique<SqliteEngine>(std::move(file));
}

}  // namespace moenet::controlplane
