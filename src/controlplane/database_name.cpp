#include "controlplane/database_name.h"

#include <map>
#include <memory>

#include <fmt/format.h>

#include "controlplane/token.h"

#include <libpq-fe.h>

namespace moenet::controlplane {

namespace {

// What libpq reads in the URI, which is also what it would connect with.
Result<std::map<std::string, std::string>> parts_of(const std::string& uri) {
  char* fault = nullptr;
  PQconninfoOption* options = PQconninfoParse(uri.c_str(), &fault);
  if (options == nullptr) {
    PQfreemem(fault);  // not told: it repeats the URI, and with it the password
    return fail(Errc::invalid, "no valid postgresql:// URI (postgresql://USER@HOST:PORT/DATABASE?sslmode=verify-full)");
  }
  std::map<std::string, std::string> parts;
  for (const PQconninfoOption* option = options; option->keyword != nullptr; ++option) {
    if (option->val != nullptr) parts[option->keyword] = option->val;
  }
  PQconninfoFree(options);
  return parts;
}

}  // namespace

std::string DatabaseName::shown() const {
  if (is_file()) return file.string();
  auto parts = parts_of(std::string(uri.reveal()));
  if (!parts) return "postgresql://";
  std::string text = "postgresql://";
  if (!(*parts)["user"].empty()) text += (*parts)["user"] + "@";
  text += (*parts)["host"];
  if (!(*parts)["port"].empty()) text += ":" + (*parts)["port"];
  return text + "/" + (*parts)["dbname"];
}

Result<DatabaseName> parse_database_name(std::string_view text) {
  if (text.empty()) return fail(Errc::invalid, "the database has no name");
  if (text.starts_with("postgresql://") || text.starts_with("postgres://")) {
    TRY_VOID(parts_of(std::string(text)));
    return DatabaseName{{}, Secret(text)};
  }
  if (text.find("://") != std::string_view::npos) {
    return fail(Errc::invalid, "the database is neither a file nor a postgresql:// URI");
  }
  return DatabaseName{std::filesystem::path(text), {}};
}

Result<DatabaseName> database_name_from_argument(std::string_view text) {
  TRY(auto name, parse_database_name(text));
  if (name.is_file()) return name;
  TRY(const auto parts, parts_of(std::string(text)));
  if (parts.contains("password") || parts.contains("sslpassword")) {
    return fail(Errc::denied,
                "a password on the command line is everybody's on this machine: put it into ~/.pgpass (PGPASSFILE), or "
                "the whole URI into a file of mode 0600 and name that by --db-file (--to-file)");
  }
  return name;
}

Result<DatabaseName> read_database_name(const std::filesystem::path& file) {
  TRY(const Secret text, read_secret_file(file));
  auto name = parse_database_name(text.reveal());
  if (!name) return std::unexpected(with_context(name.error(), file.string()));
  return name;
}

}  // namespace moenet::controlplane
