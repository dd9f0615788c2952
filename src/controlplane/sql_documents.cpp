// SqlStore: the settings, and what nodes tell about themselves.

#include <boost/json.hpp>
#include <fmt/ranges.h>

#include "base/log.h"
#include "controlplane/loopbacks.h"
#include "controlplane/sql_state.h"
#include "controlplane/token.h"

namespace moenet::controlplane {

Result<Settings> fetch_settings(SqlStore::State& state, soci::session& sql) {
  std::string body;
  sql << "SELECT body FROM settings WHERE id = 1", soci::into(body);
  if (!sql.got_data()) return Settings{};
  boost::system::error_code bad;
  const auto json = boost::json::parse(body, bad);
  if (bad) return fail(Errc::internal, "read settings: no JSON in the database");
  std::vector<std::string> faults;
  Settings settings = read_settings(json, faults);
  if (!faults.empty() && !state.told_settings_faults.exchange(true)) {
    log::warning("stored settings have members that this version does not take; their defaults hold",
                 {{"members", fmt::format("{}", fmt::join(faults, "; "))}});
  }
  return settings;
}

Result<Settings> SqlStore::settings() {
  return guarded("read settings", [&]() -> Result<Settings> {
    soci::session sql(state_->pool);
    return fetch_settings(*state_, sql);
  });
}

Checked<Settings> SqlStore::change_settings(const SettingsDecision& decide) {
  return guarded("change settings", [&]() -> Checked<Settings> {
    WriteTransaction transaction(*state_);
    const auto settings = fetch_settings(*state_, transaction.sql());
    if (!settings) return std::unexpected(Refusal(settings.error()));
    auto wanted = decide(*settings);
    if (!wanted) return wanted;
    const bool moves = wanted->ipv4_prefix != settings->ipv4_prefix || wanted->ipv6_prefix != settings->ipv6_prefix;
    if (moves) {
      auto checked = check_prefixes(*wanted, all_nodes(transaction.sql()));
      if (!checked) return std::unexpected(checked.error());
    }
    const std::string body = boost::json::serialize(write_settings(*wanted));
    transaction.sql()
        << "INSERT INTO settings (id, body) VALUES (1, :body) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
        soci::use(body);
    transaction.touch_all();
    transaction.commit();
    return wanted;
  });
}

Result<Secret> SqlStore::network_secret() {
  return guarded("read network secret", [&]() -> Result<Secret> {
    const auto kept = [](soci::session& sql) {
      std::string text;
      sql << "SELECT value FROM network_secret WHERE id = 1", soci::into(text);
      const Secret secret(sql.got_data() ? text : std::string_view());
      wipe(text.data(), text.size());
      return secret;
    };
    {
      soci::session sql(state_->pool);
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

Result<void> SqlStore::record_reports(NodeId node, const std::vector<SessionReport>& reports) {
  return guarded("record report", [&]() -> Result<void> {
    WriteTransaction transaction(*state_);
    soci::session& sql = transaction.sql();
    sql << "DELETE FROM session_report WHERE node_id = :node", soci::use(node);
    std::string name;
    std::string body;
    long long at = 0;
    soci::statement insert =
        (sql.prepare << "INSERT INTO session_report (node_id, name, body, at) VALUES (:node, :name, :body, :at) "
                        "ON CONFLICT (node_id, name) DO UPDATE SET body = excluded.body, at = excluded.at",
         soci::use(node), soci::use(name), soci::use(body), soci::use(at));
    for (const SessionReport& report : reports) {
      name = report.name;
      body = report.json;
      at = report.at;
      insert.execute(true);
    }
    transaction.commit();
    return {};
  });
}

Result<std::vector<SessionReport>> SqlStore::reports_of(NodeId node) {
  return guarded("read reports", [&]() -> Result<std::vector<SessionReport>> {
    soci::session sql(state_->pool);
    SessionReport report;
    long long at = 0;
    soci::statement all =
        (sql.prepare << "SELECT name, body, at FROM session_report WHERE node_id = :node ORDER BY name",
         soci::use(node), soci::into(report.name), soci::into(report.json), soci::into(at));
    all.execute();
    std::vector<SessionReport> reports;
    while (all.fetch()) {
      report.at = at;
      reports.push_back(report);
    }
    return reports;
  });
}

Result<void> SqlStore::record_document(NodeId node, std::string_view kind, const std::string& json, UnixMs at) {
  return guarded("record " + std::string(kind), [&]() -> Result<void> {
    WriteTransaction transaction(*state_);
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
  return guarded("read " + std::string(kind), [&]() -> Result<std::optional<Document>> {
    soci::session sql(state_->pool);
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
