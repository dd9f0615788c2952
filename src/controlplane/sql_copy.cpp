#include "controlplane/sql_copy.h"

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <memory>
#include <set>
#include <string_view>

#include <fmt/format.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include "controlplane/sql_engine.h"
#include "controlplane/sql_migrations.h"
#include "controlplane/sql_state.h"

namespace moenet::controlplane {

namespace {

// In the order in which rows can be put in: what is referred to comes first. A database with another table is refused,
// so that a new one is not forgotten here.
constexpr std::string_view kTables[] = {"node",           "node_token",        "session",         "session_report",
                                        "node_document",  "settings",          "bootstrap",       "retired_node",
                                        "network_secret", "former_node_token", "person",          "api_token",
                                        "web_session",    "challenge",         "audit",           "series",
                                        "series_block",   "session_event",     "webhook_delivery"};

struct Side {
  std::unique_ptr<SqlEngine> engine;
  soci::session sql;
};

// Copies take as long as they take.
void lift_time_limits(Side& side) {
  if (side.engine->is_sqlite()) return;
  side.sql << "SET statement_timeout = 0";
  side.sql << "SET idle_in_transaction_session_timeout = 0";
}

std::set<std::string> tables_of(Side& side) {
  std::string name;
  soci::statement all =
      (side.sql.prepare << (side.engine->is_sqlite()
                                ? "SELECT name FROM sqlite_master WHERE type = 'table'"
                                : "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"),
       soci::into(name));
  all.execute();
  std::set<std::string> names;
  while (all.fetch()) names.insert(name);
  return names;
}

// Errors: invalid.
Result<long long> step_of(Side& side) {
  if (!tables_of(side).contains("schema_step")) return fail(Errc::invalid, "no database of moenet-controlplane");
  long long step = 0;
  side.sql << "SELECT COALESCE(MAX(number), 0) FROM schema_step", soci::into(step);
  if (step > newest_step()) return fail(Errc::invalid, "a newer version of moenet-controlplane wrote it");
  return step;
}

Result<void> check_tables(Side& side) {
  auto names = tables_of(side);
  names.erase("schema_step");
  for (const std::string_view table : kTables) {
    if (names.erase(std::string(table)) == 0) return fail(Errc::invalid, fmt::format("it has no table {}", table));
  }
  if (!names.empty()) return fail(Errc::internal, fmt::format("table {} is not one that is copied", *names.begin()));
  return {};
}

long long count_rows(Side& side, std::string_view table) {
  long long count = 0;
  side.sql << fmt::format("SELECT COUNT(*) FROM {}", table), soci::into(count);
  return count;
}

// A value on its way; which member counts is the column's type.
struct Value {
  long long number = 0;
  double real = 0;
  std::string text;
  soci::indicator indicator = soci::i_ok;
};

void take(const soci::row& row, std::size_t column, Value& value) {
  value.indicator = row.get_indicator(column);
  if (value.indicator == soci::i_null) return;
  switch (row.get_properties(column).get_data_type()) {
    case soci::dt_string: value.text = row.get<std::string>(column); break;
    case soci::dt_double: value.real = row.get<double>(column); break;
    case soci::dt_integer: value.number = row.get<int>(column); break;
    case soci::dt_long_long: value.number = row.get<long long>(column); break;
    case soci::dt_unsigned_long_long:
    case soci::dt_date:
    case soci::dt_blob:
    case soci::dt_xml: throw soci::soci_error("a column of a type that is not copied");
  }
}

// `values` must outlive the statement.
std::unique_ptr<soci::statement> prepare_insert(Side& to, std::string_view table, const soci::row& row,
                                                std::deque<Value>& values) {
  std::string columns;
  std::string places;
  auto insert = std::make_unique<soci::statement>(to.sql);
  for (std::size_t i = 0; i < row.size(); ++i) {
    columns += fmt::format("{}{}", i == 0 ? "" : ", ", row.get_properties(i).get_name());
    places += fmt::format("{}:c{}", i == 0 ? "" : ", ", i);
    Value& value = values.emplace_back();
    switch (row.get_properties(i).get_data_type()) {
      case soci::dt_string: insert->exchange(soci::use(value.text, value.indicator)); break;
      case soci::dt_double: insert->exchange(soci::use(value.real, value.indicator)); break;
      default: insert->exchange(soci::use(value.number, value.indicator)); break;
    }
  }
  insert->alloc();
  insert->prepare(fmt::format("INSERT INTO {} ({}) VALUES ({})", table, columns, places));
  insert->define_and_bind();
  return insert;
}

// The rows that `select` gives, into the table; how many they were.
long long copy_selected(Side& from, Side& to, std::string_view table, const std::string& select) {
  soci::row row;
  soci::statement all = (from.sql.prepare << select, soci::into(row));
  all.execute();
  std::deque<Value> values;
  std::unique_ptr<soci::statement> insert;
  long long rows = 0;
  for (; all.fetch(); ++rows) {
    if (!insert) insert = prepare_insert(to, table, row, values);
    for (std::size_t i = 0; i < row.size(); ++i) take(row, i, values[i]);
    insert->execute(true);
  }
  return rows;
}

// SQLite gives row by row; libpq would hold a whole table in memory, so it is asked for a part at a time.
void copy_table(Side& from, Side& to, std::string_view table) {
  const std::string select = fmt::format("SELECT * FROM {}", table);
  if (from.engine->is_sqlite()) {
    copy_selected(from, to, table, select);
    return;
  }
  constexpr int kPart = 500;  // chosen: large against the round trip, small against the memory
  from.sql << "DECLARE part NO SCROLL CURSOR FOR " + select;
  while (copy_selected(from, to, table, fmt::format("FETCH {} FROM part", kPart)) > 0) {
  }
  from.sql << "CLOSE part";
}

// The audit log lets nobody delete its rows; who has said that the whole database shall be another one may.
void empty_audit(Side& to) {
  if (to.engine->is_sqlite()) {
    std::string trigger;
    to.sql << "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = 'audit_no_delete'", soci::into(trigger);
    to.sql << "DROP TRIGGER audit_no_delete";
    to.sql << "DELETE FROM audit";
    to.sql << trigger;
  } else {
    to.sql << "ALTER TABLE audit DISABLE TRIGGER audit_append_only";
    to.sql << "DELETE FROM audit";
    to.sql << "ALTER TABLE audit ENABLE TRIGGER audit_append_only";
  }
}

Result<void> make_room(Side& to, Existing existing) {
  for (const std::string_view table : kTables) {
    if (existing == Existing::refuse && count_rows(to, table) > 0) {
      return fail(Errc::conflict, fmt::format("it is not empty: {} has rows", table));
    }
  }
  for (auto table = std::rbegin(kTables); table != std::rend(kTables); ++table) {
    if (*table == "audit")
      empty_audit(to);
    else
      to.sql << fmt::format("DELETE FROM {}", *table);
  }
  return {};
}

// Above what there was before, for nodes and for ids that were given up: see copy_database.
void raise_counters(Side& to, const std::map<NodeId, std::int64_t>& before) {
  for (const auto& [id, counter] : before) {
    const long long above = counter + 1;
    for (const std::string_view table : {"node", "retired_node"}) {
      to.sql << fmt::format("UPDATE {} SET changes = :above WHERE id = :id AND changes < :above2", table),
          soci::use(above), soci::use(id), soci::use(above);
    }
    to.sql << "INSERT INTO retired_node (id, changes) SELECT :id, :above WHERE NOT EXISTS (SELECT 1 FROM node WHERE id "
              "= :id2) ON CONFLICT (id) DO NOTHING",
        soci::use(id), soci::use(above), soci::use(id);
  }
}

Result<std::vector<CopiedTable>> copy_rows(Side& from, Side& to, Existing existing) {
  TRY_VOID(check_tables(from));
  TRY_VOID(check_tables(to));
  const auto before = read_counters(to.sql);
  TRY_VOID(make_room(to, existing));
  std::vector<CopiedTable> copied;
  for (const std::string_view table : kTables) {
    copy_table(from, to, table);
    const long long rows = count_rows(to, table);
    if (rows != count_rows(from, table)) return fail(Errc::internal, fmt::format("{} is not whole", table));
    copied.push_back({std::string(table), rows});
  }
  raise_counters(to, before);
  if (to.engine->is_shared()) to.engine->notify(to.sql, write_change_message({"copy", true, true, {}}));
  return copied;
}

// Read, and nothing else: an engine's prepare() would turn a file into one with a write-ahead log.
Result<std::unique_ptr<Side>> open_source(const DatabaseName& database) {
  if (database.is_file() && !std::filesystem::exists(database.file)) {
    return fail(Errc::not_found, "there is no such file");
  }
  auto side = std::make_unique<Side>();
  if (database.is_file()) {
    side->engine = make_sqlite_engine(database.file);
  } else {
    TRY(side->engine, make_engine(database));
  }
  side->engine->connect(side->sql);
  if (side->engine->is_sqlite()) {
    side->sql << "PRAGMA busy_timeout = 5000";
    side->sql << "PRAGMA query_only = ON";
  } else {
    side->engine->prepare(side->sql);
    lift_time_limits(*side);
  }
  return side;
}

Result<std::unique_ptr<Side>> open_target(const DatabaseName& database, UnixMs now) {
  auto side = std::make_unique<Side>();
  TRY(side->engine, make_engine(database));
  side->engine->connect(side->sql);
  // Fails while anybody has the file open: a running control plane would go on with tokens that are no more.
  if (side->engine->is_sqlite()) side->sql << "PRAGMA locking_mode = EXCLUSIVE";
  side->engine->prepare(side->sql);
  lift_time_limits(*side);
  TRY_VOID(migrate(*side->engine, side->sql, now));
  return side;
}

template <class Work>
auto told_as(const SqlEngine& engine, const std::string& action, Work&& work) -> decltype(work()) {
  try {
    auto result = work();
    if (!result) return std::unexpected(with_context(result.error(), action));
    return result;
  } catch (const soci::soci_error& failure) {
    return std::unexpected(error_from_database(engine, failure, action));
  }
}

}  // namespace

Result<std::vector<CopiedTable>> copy_database(const DatabaseName& from, const DatabaseName& to, Existing existing,
                                               UnixMs now) {
  const auto none = make_sqlite_engine({});  // of what is not connected yet, whose errors are those of no engine
  TRY(const auto source, told_as(*none, from.shown(), [&] { return open_source(from); }));
  const auto step = told_as(*source->engine, from.shown(), [&]() -> Result<long long> {
    source->engine->begin_read(source->sql);
    return step_of(*source);
  });
  if (!step) return std::unexpected(step.error());
  if (*step != newest_step()) {
    return fail(Errc::invalid, fmt::format("{}: an older version wrote it; start this one on it first", from.shown()));
  }
  auto target = told_as(*none, to.shown(), [&] { return open_target(to, now); });
  if (!target && target.error().what.find("locked") != std::string::npos) {
    return fail(Errc::conflict, fmt::format("{} is in use: stop the control plane first", to.shown()));
  }
  if (!target) return std::unexpected(target.error());
  return told_as(*(*target)->engine, fmt::format("copy {} to {}", from.shown(), to.shown()),
                 [&]() -> Result<std::vector<CopiedTable>> {
                   (*target)->engine->begin_migration((*target)->sql);
                   auto copied = copy_rows(*source, **target, existing);
                   if (!copied) {
                     (*target)->sql << "ROLLBACK";
                     return copied;
                   }
                   TRY_VOID((*target)->engine->end_migration((*target)->sql));
                   // One file, without a log beside it.
                   if ((*target)->engine->is_sqlite()) (*target)->sql << "PRAGMA journal_mode = DELETE";
                   return copied;
                 });
}

Result<std::vector<CopiedTable>> copy_older_database(const std::filesystem::path& from, const DatabaseName& to,
                                                     Existing existing, UnixMs now) {
  const DatabaseName name{from, {}};
  const auto engine = make_sqlite_engine(from);
  TRY(const auto source, told_as(*engine, name.shown(), [&] { return open_source(name); }));
  const auto step = told_as(*engine, name.shown(), [&]() -> Result<long long> {
    std::string verdict;
    source->sql << "PRAGMA quick_check(1)", soci::into(verdict);
    if (verdict != "ok") return fail(Errc::invalid, "the file is damaged: " + verdict);
    return step_of(*source);
  });
  if (!step) return std::unexpected(step.error());
  if (*step == newest_step()) return copy_database(name, to, existing, now);

  std::string folder = (std::filesystem::temp_directory_path() / "moenet-restore-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return std::unexpected(error_from_errno(errno, "make " + folder));
  const std::unique_ptr<std::string, void (*)(std::string*)> removed(&folder, [](std::string* path) {
    std::error_code ignored;
    std::filesystem::remove_all(*path, ignored);
  });
  const DatabaseName copy{std::filesystem::path(folder) / "copy.db", {}};
  const auto made = told_as(*engine, name.shown(), [&]() -> Result<void> {
    source->sql << "PRAGMA query_only = OFF";  // of the file itself nothing is written
    const std::string path = copy.file.string();
    source->sql << "VACUUM INTO :path", soci::use(path);
    return migrate_database(copy, now);
  });
  if (!made) return std::unexpected(made.error());
  return copy_database(copy, to, existing, now);
}

}  // namespace moenet::controlplane
