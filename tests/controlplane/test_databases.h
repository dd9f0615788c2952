// The databases that the Store's contract is tested and measured on: another one joins by one more value of
// database_kinds().
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <string>
#include <vector>

#include <sqlite3.h>

#include "controlplane/seeds.h"
#include "controlplane/sql_store.h"
#include "support/postgresql.h"
#include "support/temporary_folder.h"

namespace moenet::controlplane::testing {

// An empty database of a test's own, gone with it.
class TestDatabase {
 public:
  virtual ~TestDatabase() = default;
  virtual DatabaseName name() const = 0;
  // As another program, or another version, may write it. Throws what the database said.
  virtual void execute(const std::string& statements) const = 0;
  // What is kept takes so much; what is free again does not count.
  virtual std::int64_t bytes() const = 0;

  std::unique_ptr<SqlStore> open(const SqlOptions& options = {}) const {
    return must(SqlStore::open(name(), [] { return UnixMs{1000}; }, options));
  }
};

class SqliteTestDatabase final : public TestDatabase {
 public:
  DatabaseName name() const override { return {folder_.path() / "moenet.db", {}}; }
  void execute(const std::string& statements) const override {
    sqlite3* database = nullptr;
    sqlite3_open(name().file.c_str(), &database);
    char* fault = nullptr;
    sqlite3_exec(database, statements.c_str(), nullptr, nullptr, &fault);
    const std::string told = fault == nullptr ? "" : fault;
    sqlite3_free(fault);
    sqlite3_close(database);
    if (!told.empty()) throw std::runtime_error(statements + ": " + told);
  }
  std::int64_t bytes() const override {
    std::int64_t bytes = 0;
    const auto take = [](void* into, int, char** values, char**) {
      *static_cast<std::int64_t*>(into) = std::stoll(values[0]);
      return 0;
    };
    sqlite3* database = nullptr;
    sqlite3_open(name().file.c_str(), &database);
    sqlite3_exec(database,
                 "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, "
                 "pragma_page_size",
                 take, &bytes, nullptr);
    sqlite3_close(database);
    return bytes;
  }
  const std::filesystem::path& folder() const { return folder_.path(); }

 private:
  support::TemporaryFolder folder_;
};

class PostgreSqlTestDatabase final : public TestDatabase {
 public:
  explicit PostgreSqlTestDatabase(support::PostgreSql& server = support::shared_postgresql()) : database_(server) {}
  DatabaseName name() const override { return must(parse_database_name(database_.uri())); }
  void execute(const std::string& statements) const override { database_.execute(statements); }
  std::int64_t bytes() const override {
    database_.execute("VACUUM");  // as the server does by itself every so often
    return std::stoll(database_.execute("SELECT pg_database_size(current_database())"));
  }

 private:
  support::PostgreSqlDatabase database_;
};

struct DatabaseKind {
  const char* name;
  std::unique_ptr<TestDatabase> (*make)();
};
inline void PrintTo(const DatabaseKind& kind, std::ostream* out) { *out << kind.name; }

inline std::vector<DatabaseKind> database_kinds() {
  return {{"sqlite", []() -> std::unique_ptr<TestDatabase> { return std::make_unique<SqliteTestDatabase>(); }},
          {"postgresql", []() -> std::unique_ptr<TestDatabase> { return std::make_unique<PostgreSqlTestDatabase>(); }}};
}

}  // namespace moenet::controlplane::testing
