#include "controlplane/database_commands.h"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/clock.h"
#include "base/fd.h"
#include "controlplane/server_config.h"
#include "controlplane/sql_copy.h"

namespace moenet::controlplane {

namespace {

namespace fs = std::filesystem;
using Copied = Result<std::vector<CopiedTable>>;

UnixMs unix_ms_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(wall_now().time_since_epoch()).count();
}

Result<void> write_to_disk(const fs::path& path, int flags) {
  const UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return std::unexpected(error_from_errno(errno, "write " + path.string()));
  return {};
}

// Whole or not at all, and never over another file.
Copied back_up(const DatabaseName& from, const fs::path& file) {
  std::error_code failed;
  if (fs::exists(file, failed)) return fail(Errc::conflict, fmt::format("{} exists", file.string()));
  const fs::path part = file.string() + ".part";
  fs::remove(part, failed);
  Copied copied = copy_database(from, DatabaseName{part, {}}, Existing::refuse, unix_ms_now());
  const auto kept = [&]() -> Result<void> {
    TRY_VOID(write_to_disk(part, O_RDONLY));
    if (::link(part.c_str(), file.c_str()) != 0) {
      return std::unexpected(error_from_errno(errno, "make " + file.string()));
    }
    return write_to_disk(file.has_parent_path() ? file.parent_path() : fs::path("."), O_RDONLY | O_DIRECTORY);
  };
  if (copied) {
    if (auto done = kept(); !done) copied = std::unexpected(done.error());
  }
  for (const char* const behind : {"", "-wal", "-shm", "-journal"}) fs::remove(part.string() + behind, failed);
  return copied;
}

Result<DatabaseName> target_of(const DatabaseCommand& command) {
  if (!command.to_file.empty()) return read_database_name(command.to_file);
  return database_name_from_argument(command.to);
}

Copied carry_out(const CommandLine& line, const DatabaseCommand& command) {
  TRY(const auto database, database_of(line, command.database));
  switch (command.kind) {
    case DatabaseCommand::Kind::backup: return back_up(database, command.file);
    case DatabaseCommand::Kind::restore:
      return copy_older_database(command.file, database, command.replace ? Existing::replace : Existing::refuse,
                                 unix_ms_now());
    case DatabaseCommand::Kind::copy: {
      TRY(const auto target, target_of(command));
      return copy_database(database, target, Existing::refuse, unix_ms_now());
    }
  }
  return fail(Errc::internal, "no such command");
}

}  // namespace

Result<DatabaseName> database_of(const CommandLine& line, const DatabaseOptions& options) {
  if (!options.db_file.empty()) return read_database_name(options.db_file);
  if (!options.db.empty()) return database_name_from_argument(options.db);
  boost::json::object words;
  if (!line.state_dir.empty()) words["stateDir"] = fs::absolute(line.state_dir).string();
  auto loaded = load_server_config(line.config_file, words, [](const char* name) { return std::getenv(name); });
  if (!loaded) {
    const model::JsonFault& fault = loaded.error().front();
    return fail(Errc::invalid, fault.path.empty() ? fault.expected : fault.text());
  }
  return std::move(loaded->config.database);
}

int run_database_command(const CommandLine& line, const DatabaseCommand& command) {
  const Copied copied = carry_out(line, command);
  if (!copied) {
    std::string hint;
    if (copied.error().code == Errc::conflict && command.kind == DatabaseCommand::Kind::restore && !command.replace) {
      hint = " (--replace has what is there go)";
    }
    std::fputs(("moenet-controlplane: " + copied.error().what + hint + "\n").c_str(), stderr);
    return 1;
  }
  for (const CopiedTable& table : *copied)
    std::fputs(fmt::format("{:15} {:>9}\n", table.name, table.rows).c_str(), stdout);
  return 0;
}

}  // namespace moenet::controlplane
