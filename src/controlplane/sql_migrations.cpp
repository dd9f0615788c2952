// The tables, as numbered steps that each run once, in order, in a transaction of their own. A step that was released
// never changes. All numbers are BIGINT, so that SQLite and PostgreSQL hand them out as the same type; all text is NOT
// NULL, '' is "none".

#include <array>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "controlplane/sql_state.h"

namespace moenet::controlplane {

namespace {

using Step = std::vector<std::string_view>;

const std::vector<Step>& steps() {
  static const std::vector<Step> all = {
      {
          R"(CREATE TABLE node (
               id BIGINT NOT NULL PRIMARY KEY CHECK (id BETWEEN 1 AND 62),
               uuid TEXT NOT NULL UNIQUE,
               name TEXT NOT NULL UNIQUE,
               region_code BIGINT NOT NULL,
               location TEXT NOT NULL,
               provider TEXT NOT NULL,
               is_rr BIGINT NOT NULL,
               bandwidth TEXT NOT NULL,
               public_ipv4 TEXT NOT NULL,
               public_ipv6 TEXT NOT NULL,
               seen_ipv4 TEXT NOT NULL DEFAULT '',
               seen_ipv6 TEXT NOT NULL DEFAULT '',
               mesh_public_key TEXT NOT NULL DEFAULT '',
               agent_version TEXT NOT NULL DEFAULT '',
               status_json TEXT NOT NULL DEFAULT '',
               last_seen BIGINT NOT NULL DEFAULT 0,
               created_at BIGINT NOT NULL,
               changes BIGINT NOT NULL DEFAULT 1))",
          R"(CREATE TABLE node_token (
               node_id BIGINT NOT NULL PRIMARY KEY REFERENCES node (id) ON DELETE CASCADE,
               hash TEXT NOT NULL UNIQUE,
               created_at BIGINT NOT NULL))",
          R"(CREATE TABLE session (
               uuid TEXT NOT NULL PRIMARY KEY,
               node_id BIGINT NOT NULL REFERENCES node (id),
               asn BIGINT NOT NULL CHECK (asn BETWEEN 1 AND 4294967295),
               name TEXT NOT NULL,
               description TEXT NOT NULL,
               status BIGINT NOT NULL,
               ipv4 TEXT NOT NULL,
               ipv6 TEXT NOT NULL,
               ipv6_link_local TEXT NOT NULL,
               type TEXT NOT NULL,
               extensions TEXT NOT NULL,
               interface_name TEXT NOT NULL,
               endpoint TEXT NOT NULL,
               credential TEXT NOT NULL,
               data TEXT NOT NULL,
               mtu BIGINT NOT NULL,
               port BIGINT NOT NULL,
               policy TEXT NOT NULL,
               last_error TEXT NOT NULL,
               created_at BIGINT NOT NULL,
               updated_at BIGINT NOT NULL,
               version BIGINT NOT NULL))",
          "CREATE UNIQUE INDEX session_asn ON session (node_id, asn)",
          "CREATE UNIQUE INDEX session_interface ON session (node_id, interface_name)",
          "CREATE UNIQUE INDEX session_port ON session (node_id, port) WHERE port <> 0",
          R"(CREATE TABLE session_report (
               node_id BIGINT NOT NULL REFERENCES node (id) ON DELETE CASCADE,
               name TEXT NOT NULL,
               body TEXT NOT NULL,
               at BIGINT NOT NULL,
               PRIMARY KEY (node_id, name)))",
          R"(CREATE TABLE node_document (
               node_id BIGINT NOT NULL REFERENCES node (id) ON DELETE CASCADE,
               kind TEXT NOT NULL,
               body TEXT NOT NULL,
               at BIGINT NOT NULL,
               PRIMARY KEY (node_id, kind)))",
          // One row: the settings that differ from the defaults of the program would be lost in columns; they are one
          // document.
          "CREATE TABLE settings (id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1), body TEXT NOT NULL)",
      },
      {
          R"(CREATE TABLE bootstrap (
               node_id BIGINT NOT NULL PRIMARY KEY REFERENCES node (id) ON DELETE CASCADE,
               hash TEXT NOT NULL UNIQUE,
               url TEXT NOT NULL,
               expires_at BIGINT NOT NULL))",
      },
      {
          "ALTER TABLE node ADD COLUMN loopback_ipv4 TEXT NOT NULL DEFAULT ''",
          "ALTER TABLE node ADD COLUMN loopback_ipv6 TEXT NOT NULL DEFAULT ''",
          // Ids that were given up, with the counter that their next holder goes on from: whoever still waits for a
          // change of the node before must not take an older number for a newer one.
          R"(CREATE TABLE retired_node (
               id BIGINT NOT NULL PRIMARY KEY,
               changes BIGINT NOT NULL))",
      },
      {
          "CREATE TABLE network_secret (id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1), value TEXT NOT NULL)",
      },
  };
  return all;
}

}  // namespace

Result<void> migrate(soci::session& sql, UnixMs now) {
  sql << "BEGIN IMMEDIATE";
  sql << "CREATE TABLE IF NOT EXISTS schema_step (number BIGINT NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL)";
  sql << "COMMIT";
  long long reached = 0;
  sql << "SELECT COALESCE(MAX(number), 0) FROM schema_step", soci::into(reached);
  const auto newest = static_cast<long long>(steps().size());
  if (reached > newest) {
    return fail(Errc::invalid, fmt::format("its tables are at step {}, this program knows {}: a newer version wrote it",
                                           reached, newest));
  }
  for (long long number = reached + 1; number <= newest; ++number) {
    sql << "BEGIN IMMEDIATE";
    for (const auto statement : steps()[static_cast<std::size_t>(number - 1)]) sql << std::string(statement);
    const long long at = now;
    sql << "INSERT INTO schema_step (number, applied_at) VALUES (:number, :at)", soci::use(number), soci::use(at);
    sql << "COMMIT";
  }
  return {};
}

}  // namespace moenet::controlplane
