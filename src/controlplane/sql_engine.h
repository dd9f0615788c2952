// SqlEngine: what differs between the databases that SqlStore runs on: how to connect, begin, lock and tell others.
// Everything else of SqlStore's SQL is the same for all of them. decisions/0010-two-databases.md says why the locks are
// as they are.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include <soci/soci.h>

#include "base/result.h"
#include "base/secret.h"
#include "controlplane/database_name.h"

namespace moenet::controlplane {

// What a write transaction is about, and so which others may run beside it.
enum class Writes : std::uint8_t {
  anything,  // alone: no other write transaction of any process runs
  told,      // only what one node tells of itself and no other node reads: beside others of this kind
};

class SqlEngine {
 public:
  virtual ~SqlEngine() = default;

  // Which statements of a migration step are its own (sql_migrations.cpp).
  virtual bool is_sqlite() const = 0;
  // True when other processes may write too: then there are notifications to listen for (sql_listener.h).
  virtual bool is_shared() const = 0;
  // Connects `sql` (anew), within the engine's own time. Exceptions, here and below: soci::soci_error.
  virtual void connect(soci::session& sql) const = 0;
  // Sets what the store wants of a new connection; one where that failed must not be used.
  virtual void prepare(soci::session& sql) const = 0;
  // Did this failure end the connection, so that only connect() makes it work again?
  virtual bool is_lost(soci::session& sql, const soci::soci_error& failure) const = 0;
  // The socket of the connection, -1 when it has none.
  virtual int socket_of(soci::session& sql) const = 0;

  virtual void begin_write(soci::session& sql, Writes writes) const = 0;
  // All reads of the transaction see one snapshot.
  virtual void begin_read(soci::session& sql) const = 0;
  // Around the steps of a migration, which other processes wait for. `end` commits.
  virtual void begin_migration(soci::session& sql) const = 0;
  virtual Result<void> end_migration(soci::session& sql) const = 0;
  // Behind a SELECT: no other transaction changes the row until this one ends.
  virtual std::string_view row_lock() const = 0;

  // Tells the other processes at the commit of the transaction under way. `message`: sql_listener.h.
  virtual void notify(soci::session& sql, const std::string& message) const = 0;

  virtual Errc code_of(const soci::soci_error& failure) const = 0;
};

// The file must exist. Errors: none yet, connect() has them.
std::unique_ptr<SqlEngine> make_sqlite_engine(std::filesystem::path file);
// Errors: invalid (no URI).
Result<std::unique_ptr<SqlEngine>> make_postgresql_engine(const Secret& uri);
// The one for this database. A file is made when there is none, mode 0600.
Result<std::unique_ptr<SqlEngine>> make_engine(const DatabaseName& database);

}  // namespace moenet::controlplane
