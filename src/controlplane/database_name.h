// DatabaseName: where a control plane keeps its state: a file (SQLite) or a postgresql:// URI. A URI may hold a
// password, so it is shown without one, and never comes from a command line with one: `ps` and the shell's history
// would tell it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace moenet::controlplane {

struct DatabaseName {
  std::filesystem::path file;  // SQLite; empty for PostgreSQL
  Secret uri;                  // PostgreSQL

  bool is_file() const { return uri.empty(); }
  // For people and logs: no password, no parameters.
  std::string shown() const;
};

// Text that begins with postgresql:// or postgres:// is a URI as libpq knows it; another scheme is invalid; the rest is
// a file.
Result<DatabaseName> parse_database_name(std::string_view text);

// As above, of a word that others can read: a URI with a password is refused, with what to do instead.
Result<DatabaseName> database_name_from_argument(std::string_view text);

// The first line of a file, mode 0600 (read_secret_file): it may have a password.
Result<DatabaseName> read_database_name(const std::filesystem::path& file);

}  // namespace moenet::controlplane
