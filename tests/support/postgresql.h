// PostgreSQL of a test program's own: started at the first use in a temporary folder, on a Unix socket only, and ended
// and removed when the program ends, however it ends (postgresql.sh).
#pragma once

#include <atomic>
#include <cstdlib>
#include <fcntl.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "support/temporary_folder.h"

#include <libpq-fe.h>

namespace moenet::support {

class PostgreSql {
 public:
  enum class Disk { real, skipped };  // does it wait for the disk, as it does in service?

  explicit PostgreSql(Disk disk) {
    int commands[2];
    int answers[2];
    if (::pipe2(commands, O_CLOEXEC) != 0 || ::pipe2(answers, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    commands_ = UniqueFd(commands[1]);
    answers_ = UniqueFd(answers[0]);
    const UniqueFd own_commands(commands[0]);
    const UniqueFd own_answers(answers[1]);
    const char* const options = disk == Disk::skipped ? "-F" : nullptr;
    shell_ = ::fork();
    if (shell_ < 0) throw std::runtime_error("fork");
    if (shell_ == 0) {
      ::setpgid(0, 0);  // a Ctrl-C is for the tests; this ends when they have ended
      ::dup2(own_commands.get(), 0);
      ::dup2(own_answers.get(), 1);
      ::execl(kScript, kScript, options, nullptr);
      ::_exit(127);
    }
    folder_ = answer();
    socket_folder_ = folder_ + "/socket";
    if (answer() != "ready") throw std::runtime_error("PostgreSQL did not start: is the package postgresql installed?");
  }
  ~PostgreSql() {
    commands_.reset();
    ::waitpid(shell_, nullptr, 0);
  }
  PostgreSql(const PostgreSql&) = delete;
  PostgreSql& operator=(const PostgreSql&) = delete;

  // Ends without a farewell, as a crash does, and comes up again.
  void restart_at_once() { command("restart"); }
  void stop_at_once() { command("stop"); }
  void start() { command("start"); }
  // Its processes stand still, with all connections open, until they go on.
  void freeze() { command("freeze"); }
  void thaw() { command("thaw"); }

  std::string uri(const std::string& database) const {
    return "postgresql:///" + database + "?host=" + socket_folder_ + "&user=moenet&connect_timeout=2";
  }
  // In the database; the first value of the first row, if there is one. Throws what PostgreSQL said.
  std::string execute(const std::string& database, const std::string& statement) const {
    const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(PQconnectdb(uri(database).c_str()), PQfinish);
    const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(connection.get(), statement.c_str()), PQclear);
    const auto status = PQresultStatus(result.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
      throw std::runtime_error(statement + ": " + PQerrorMessage(connection.get()));
    }
    return PQntuples(result.get()) > 0 && PQnfields(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
  }

 private:
  static constexpr const char* kScript = MOENET_SOURCE_DIR "/tests/support/postgresql.sh";

  void command(const std::string& word) {
    const std::string line = word + "\n";
    if (::write(commands_.get(), line.data(), line.size()) < 0 || answer() != "done") {
      throw std::runtime_error("PostgreSQL: " + word + " failed");
    }
  }
  std::string answer() {
    std::string line;
    for (char c = 0; ::read(answers_.get(), &c, 1) == 1 && c != '\n';) line += c;
    return line;
  }

  UniqueFd commands_;
  UniqueFd answers_;
  pid_t shell_ = -1;
  std::string folder_;
  std::string socket_folder_;
};

// The one of this test program, quick, with a database per test.
inline PostgreSql& shared_postgresql() {
  static PostgreSql server(PostgreSql::Disk::skipped);
  return server;
}

// A database of a test's own, empty.
class PostgreSqlDatabase {
 public:
  explicit PostgreSqlDatabase(PostgreSql& server = shared_postgresql()) : server_(server) {
    static std::atomic<int> count{0};
    name_ = "test_" + std::to_string(::getpid()) + "_" + std::to_string(++count);
    server_.execute("postgres", "CREATE DATABASE " + name_);
  }
  ~PostgreSqlDatabase() {
    try {
      server_.execute("postgres", "DROP DATABASE " + name_ + " WITH (FORCE)");
    } catch (const std::exception&) {
      // The server goes with all its databases.
    }
  }
  PostgreSqlDatabase(const PostgreSqlDatabase&) = delete;
  PostgreSqlDatabase& operator=(const PostgreSqlDatabase&) = delete;

  std::string uri() const { return server_.uri(name_); }
  std::string execute(const std::string& statement) const { return server_.execute(name_, statement); }

 private:
  PostgreSql& server_;
  std::string name_;
};

}  // namespace moenet::support
