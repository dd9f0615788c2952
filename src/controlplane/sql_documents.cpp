// SqlStore: the settings, and what nodes tell about themselves.

#include <algorithm>
#include <ranges>

#include <boost/json.hpp>
#include <fmt/ranges.h>

#include "base/log.h"
#include "controlplane/loopbacks.h"
#include "controlplane/sql_audit.h"
#include "controlplane/sql_rows.h"
#include "controlplane/sql_state.h"
#include "controlplane/token.h"

namespace moenet::controlplane {

Result<VersionedSettings> fetch_settings(SqlStore::State& state, soci::session& sql) {
  std::string body;
  long long version = 0;
  sql << "SELECT body, version FROM settings WHERE id = 1", soci::into(body), soci::into(version);
  if (!sql.got_data()) return VersionedSettings{};
  boost::system::error_code bad;
  const auto json = boost::json::parse(body, bad);
  if (bad) return fail(Errc::internal, "read settings: no JSON in the database");
  std::vector<std::string> faults;
  Settings settings = read_settings(json, faults);
  if (!faults.empty() && !state.told_settings_faults.exchange(true)) {
    log::warning("stored settings have members that this version does not take; their defaults hold",
                 {{"members", fmt::format("{}", fmt::join(faults, "; "))}});
  }
  return VersionedSettings{std::move(settings), version};
}

Result<VersionedSettings> SqlStore::versioned_settings() {
  return guarded(*state_, "read settings", [&]() -> Result<VersionedSettings> {
    ReadTransaction transaction(*state_);
    soci::session& sql = transaction.sql();
    return fetch_settings(*state_, sql);
  });
}

Checked<VersionedSettings> SqlStore::change_settings(const Author& by, const SettingsDecision& decide,
                                                     ExpectedVersion expected) {
  return guarded(*state_, "change settings", [&]() -> Checked<VersionedSettings> {
    WriteTransaction transaction(*state_);
    const auto before = fetch_settings(*state_, transaction.sql());
    if (!before) return std::unexpected(Refusal(before.error()));
    if (auto same = check_version(before->version, expected); !same) return std::unexpected(same.error());
    auto wanted = decide(before->settings);
    if (!wanted) return std::unexpected(wanted.error());
    if (*wanted == before->settings) return *before;
    const bool moves =
        wanted->ipv4_prefix != before->settings.ipv4_prefix || wanted->ipv6_prefix != before->settings.ipv6_prefix;
    if (moves) {
      auto checked = check_prefixes(*wanted, all_nodes(transaction.sql()));
      if (!checked) return std::unexpected(checked.error());
    }
    const std::string body = boost::json::serialize(write_settings_with_secrets(*wanted));
    const long long version = before->version + 1;
    transaction.sql() << "INSERT INTO settings (id, body, version) VALUES (1, :body, :version) "
                         "ON CONFLICT (id) DO UPDATE SET body = excluded.body, version = excluded.version",
        soci::use(body), soci::use(version);
    const Audited was = audited(before->settings);
    const Audited is = audited(*wanted);
    write_audit(transaction, by, state_->now(), "settings.change", "settings", &was, &is);
    transaction.touch_all();
    transaction.commit();
    return VersionedSettings{std::move(*wanted), version};
  });
}

Result<Secret> SqlStore::network_secret() {
  return guarded(*state_, "read network secret", [&]() -> Result<Secret> {
    const auto kept = [](soci::session& sql) {
      std::string text;
      sql << "SELECT value FROM network_secret WHERE id = 1", soci::into(text);
      const Secret secret(sql.got_data() ? text : std::string_view());
      wipe(text.data(), text.size());
      return secret;
    };
    {
      ReadTransaction transaction(*state_);
      soci::session& sql = transaction.sql();
      if (Secret secret = kept(sql); !secret.empty()) return secret;
    }
    WriteTransaction transaction(*state_);
    if (Secret secret = kept(transaction.sql()); !secret.empty()) return secret;  // another was faster
    const Secret made = make_token();
    const std::string text(made.reveal());
    transaction.sql() << "INSERT INTO network_secret (id, value) VALUES (1, :value)", soci::use(text);
    transaction.commit();
    return made;
  });
}

Result<void> SqlStore::record_reports(NodeId node, const std::vector<SessionReport>& reports, Reports others) {
  return guarded(*state_, "record report", [&]() -> Result<void> {
    std::map<std::string_view, SqlRow> rows;  // one per name, the last one that was told
    for (const SessionReport& report : reports) {
      rows[report.name] = {static_cast<long long>(node), report.name, report.json, static_cast<long long>(report.at)};
    }
    std::vector<SeriesReading> readings;
    UnixMs arrival = 0;
    for (const SessionReport& report : reports) {
      if (report.reading) readings.push_back({report.uuid.empty() ? report.name : report.uuid, 0, *report.reading});
      arrival = std::max(arrival, report.at);
    }
    WriteTransaction transaction(*state_, Writes::told);
    soci::session& sql = transaction.sql();
    if (others == Reports::replace) sql << "DELETE FROM session_report WHERE node_id = :node", soci::use(node);
    insert_rows(sql, "session_report (node_id, name, body, at)", rows | std::views::values,
                "ON CONFLICT (node_id, name) DO UPDATE SET body = excluded.body, at = excluded.at");
    take_readings(*state_, sql, node, readings, arrival);
    transaction.commit();
    return {};
  });
}

Result<std::vector<SessionReport>> SqlStore::reports_of(NodeId node) {
  return guarded(*state_, "read reports", [&]() -> Result<std::vector<SessionReport>> {
    ReadTransaction transaction(*state_);
    soci::session& sql = transaction.sql();
    SessionReport report;
    long long at = 0;
    soci::statement all = (sql.prepare << "SELECT name, body, at FROM session_report WHERE node_id = :node",
                           soci::use(node), soci::into(report.name), soci::into(report.json), soci::into(at));
    all.execute();
    std::vector<SessionReport> reports;
    while (all.fetch()) {
      report.at = at;
      reports.push_back(report);
    }
    std::ranges::sort(reports, {}, &SessionReport::name);  // here: each database has an order of its own
    return reports;
  });
}

Result<void> SqlStore::record_document(NodeId node, std::string_view kind, const std::string& json, UnixMs at) {
  return guarded(*state_, "record " + std::string(kind), [&]() -> Result<void> {
    WriteTransaction transaction(*state_, Writes::told);
    const std::string kind_text(kind);
    const long long time = at;
    transaction.sql() << "INSERT INTO node_document (node_id, kind, body, at) VALUES (:node, :kind, :body, :at) "
                         "ON CONFLICT (node_id, kind) DO UPDATE SET body = excluded.body, at = excluded.at",
        soci::use(node), soci::use(kind_text), soci::use(json), soci::use(time);
    transaction.commit();
    return {};
  });
}

Result<std::optional<Document>> SqlStore::document_of(NodeId node, std::string_view kind) {
  return guarded(*state_, "read " + std::string(kind), [&]() -> Result<std::optional<Document>> {
    ReadTransaction transaction(*state_);
    soci::session& sql = transaction.sql();
    Document document;
    long long at = 0;
    const std::string kind_text(kind);
    sql << "SELECT body, at FROM node_document WHERE node_id = :node AND kind = :kind", soci::use(node),
        soci::use(kind_text), soci::into(document.json), soci::into(at);
    if (!sql.got_data()) return std::nullopt;
    document.at = at;
    return document;
  });
}

}  // namespace moenet::controlplane
