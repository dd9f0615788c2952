// The steps. One that was released never changes; a new table is a new step at the end (and a name in sql_copy.cpp).
// All numbers are BIGINT, so that SQLite and PostgreSQL hand them out as the same type; all text is NOT NULL, '' is
// "none".
#include "controlplane/sql_migrations.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace moenet::controlplane {

namespace {

enum class On : std::uint8_t { both, sqlite, postgresql };

struct Statement {
  std::string_view text;
  On on = On::both;

  Statement(const char* given) : text(given) {}  // NOLINT: most statements are text alone
  Statement(const char* given, On where) : text(given), on(where) {}
  bool is_for(const SqlEngine& engine) const { return on == On::both || (on == On::sqlite) == engine.is_sqlite(); }
};

using Step = std::vector<Statement>;

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
      {
          // Ids beyond 62: how far they go is the program's to say (kMaxNodeId). SQLite cannot alter a CHECK.
          {R"(CREATE TABLE node_5 (
               id BIGINT NOT NULL PRIMARY KEY CHECK (id >= 1),
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
               changes BIGINT NOT NULL DEFAULT 1,
               loopback_ipv4 TEXT NOT NULL DEFAULT '',
               loopback_ipv6 TEXT NOT NULL DEFAULT ''))",
           On::sqlite},
          {R"(INSERT INTO node_5 SELECT id, uuid, name, region_code, location, provider, is_rr, bandwidth, public_ipv4,
               public_ipv6, seen_ipv4, seen_ipv6, mesh_public_key, agent_version, status_json, last_seen, created_at,
               changes, loopback_ipv4, loopback_ipv6 FROM node)",
           On::sqlite},
          {"DROP TABLE node", On::sqlite},
          {"ALTER TABLE node_5 RENAME TO node", On::sqlite},
          {"ALTER TABLE node DROP CONSTRAINT node_id_check", On::postgresql},
          {"ALTER TABLE node ADD CHECK (id >= 1)", On::postgresql},
          // Rises with each change by people, so that one of two who edit at a time can be told.
          "ALTER TABLE node ADD COLUMN version BIGINT NOT NULL DEFAULT 1",
          "ALTER TABLE settings ADD COLUMN version BIGINT NOT NULL DEFAULT 1",
      },
      {
          // The hash of the node's token with which a machine took it; '' = nobody has yet.
          "ALTER TABLE bootstrap ADD COLUMN claimed_by TEXT NOT NULL DEFAULT ''",
      },
      {
          R"(CREATE TABLE former_node_token (
               node_id BIGINT NOT NULL PRIMARY KEY REFERENCES node (id) ON DELETE CASCADE,
               hash TEXT NOT NULL UNIQUE,
               ends_at BIGINT NOT NULL))",
          R"(CREATE TABLE person (
               uuid TEXT NOT NULL PRIMARY KEY,
               name TEXT NOT NULL UNIQUE,
               role BIGINT NOT NULL,
               asn BIGINT NOT NULL,
               is_disabled BIGINT NOT NULL,
               created_at BIGINT NOT NULL,
               last_seen BIGINT NOT NULL))",
          "CREATE UNIQUE INDEX person_asn ON person (asn) WHERE asn <> 0",
          // '' is the owner, who has no row: so user_id refers to nothing that the database could check.
          R"(CREATE TABLE api_token (
               uuid TEXT NOT NULL PRIMARY KEY,
               user_id TEXT NOT NULL,
               hash TEXT NOT NULL UNIQUE,
               label TEXT NOT NULL,
               role BIGINT NOT NULL,
               created_at BIGINT NOT NULL,
               expires_at BIGINT NOT NULL,
               last_used BIGINT NOT NULL,
               UNIQUE (user_id, label)))",
          R"(CREATE TABLE web_session (
               hash TEXT NOT NULL PRIMARY KEY,
               user_id TEXT NOT NULL,
               token_id TEXT NOT NULL,
               owner_token TEXT NOT NULL,
               created_at BIGINT NOT NULL,
               expires_at BIGINT NOT NULL,
               last_seen BIGINT NOT NULL))",
          R"(CREATE TABLE challenge (
               hash TEXT NOT NULL PRIMARY KEY,
               asn BIGINT NOT NULL,
               body TEXT NOT NULL,
               expires_at BIGINT NOT NULL))",
          R"(CREATE TABLE audit (
               seq BIGINT NOT NULL PRIMARY KEY,
               at BIGINT NOT NULL,
               who TEXT NOT NULL,
               address TEXT NOT NULL,
               action TEXT NOT NULL,
               object TEXT NOT NULL,
               before_json TEXT NOT NULL,
               after_json TEXT NOT NULL))",
          "CREATE INDEX audit_object ON audit (object, seq)",
          // It takes new rows and keeps those that it has. INSERT OR REPLACE of SQLite asks no trigger for DELETE.
          {R"(CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
               BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END)",
           On::sqlite},
          {R"(CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
               BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END)",
           On::sqlite},
          {R"(CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit
               WHEN EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq)
               BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END)",
           On::sqlite},
          {R"(CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS
               $$BEGIN RAISE EXCEPTION 'audit is append-only'; END$$)",
           On::postgresql},
          {R"(CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
               FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse())",
           On::postgresql},
      },
      {
          // One row per series: a session's uuid, or "mesh/<node>/<other node>", with its newest readings; and one per
          // 24 fine slots (resolution 0) or 12 coarse ones (1) (samples.h).
          R"(CREATE TABLE series (
               subject TEXT NOT NULL PRIMARY KEY,
               node_id BIGINT NOT NULL REFERENCES node (id) ON DELETE CASCADE,
               head TEXT NOT NULL))",
          "CREATE INDEX series_node ON series (node_id)",
          R"(CREATE TABLE series_block (
               subject TEXT NOT NULL REFERENCES series (subject) ON DELETE CASCADE,
               resolution BIGINT NOT NULL,
               block BIGINT NOT NULL,
               body TEXT NOT NULL,
               PRIMARY KEY (subject, resolution, block)))",
          "CREATE INDEX series_block_age ON series_block (resolution, block)",
          // from_status -1: the row is new. The number is the row's version after the move.
          R"(CREATE TABLE session_event (
               session TEXT NOT NULL REFERENCES session (uuid) ON DELETE CASCADE,
               number BIGINT NOT NULL,
               at BIGINT NOT NULL,
               from_status BIGINT NOT NULL,
               to_status BIGINT NOT NULL,
               who TEXT NOT NULL,
               reason TEXT NOT NULL,
               PRIMARY KEY (session, number)))",
          // What is to go out to webhooks, by their names; in the order of the numbers.
          R"(CREATE TABLE webhook_delivery (
               number BIGINT NOT NULL PRIMARY KEY,
               hook TEXT NOT NULL,
               event TEXT NOT NULL,
               body TEXT NOT NULL,
               created_at BIGINT NOT NULL,
               attempts BIGINT NOT NULL,
               next_at BIGINT NOT NULL,
               claimer TEXT NOT NULL,
               lease_until BIGINT NOT NULL))",
          "CREATE INDEX webhook_delivery_hook ON webhook_delivery (hook, number)",
      },
      {
          // Who may peer with the node: 0 sessions or Mbit/s is no limit; and whether it is on its way out.
          "ALTER TABLE node ADD COLUMN max_sessions BIGINT NOT NULL DEFAULT 0",
          "ALTER TABLE node ADD COLUMN is_closed BIGINT NOT NULL DEFAULT 0",
          "ALTER TABLE node ADD COLUMN min_bandwidth_mbit BIGINT NOT NULL DEFAULT 0",
          "ALTER TABLE node ADD COLUMN peering_note TEXT NOT NULL DEFAULT ''",
          "ALTER TABLE node ADD COLUMN is_leaving BIGINT NOT NULL DEFAULT 0",
      },
  };
  return all;
}

}  // namespace

long long newest_step() { return static_cast<long long>(steps().size()); }

Result<void> migrate(const SqlEngine& engine, soci::session& sql, UnixMs now, long long last) {
  engine.begin_migration(sql);
  sql << "CREATE TABLE IF NOT EXISTS schema_step (number BIGINT NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL)";
  long long reached = 0;
  sql << "SELECT COALESCE(MAX(number), 0) FROM schema_step", soci::into(reached);
  if (reached > newest_step()) {
    sql << "ROLLBACK";
    return fail(Errc::invalid, fmt::format("its tables are at step {}, this program knows {}: a newer version wrote it",
                                           reached, newest_step()));
  }
  for (long long number = reached + 1; number <= std::min(last, newest_step()); ++number) {
    for (const Statement& statement : steps()[static_cast<std::size_t>(number - 1)]) {
      if (statement.is_for(engine)) sql << std::string(statement.text);
    }
    const long long at = now;
    sql << "INSERT INTO schema_step (number, applied_at) VALUES (:number, :at)", soci::use(number), soci::use(at);
  }
  return engine.end_migration(sql);
}

Result<void> migrate_database(const DatabaseName& database, UnixMs now, long long last) {
  TRY(const auto engine, make_engine(database));
  try {
    soci::session sql;
    engine->connect(sql);
    engine->prepare(sql);
    return migrate(*engine, sql, now, last);
  } catch (const soci::soci_error& failure) {
    return fail(engine->code_of(failure), fmt::format("{}: {}", database.shown(), failure.get_error_message()));
  }
}

}  // namespace moenet::controlplane
