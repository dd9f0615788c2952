// SqlStore: the Store over SOCI. SQLite in one file, write-ahead logging, synchronous: what was answered with success
// survives a kill -9 and a power cut. SQL here is the part that SQLite and PostgreSQL share; what differs is in
// sql_store.cpp only.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "controlplane/store.h"

namespace moenet::controlplane {

class SqlStore final : public Store {
 public:
  // Makes the file (mode 0600) and its tables, or brings an older file up to date. `now` gives the times of rows.
  // Errors: denied, invalid (no database, or written by a newer program), unavailable.
  static Result<std::unique_ptr<SqlStore>> open_sqlite(const std::filesystem::path& file, std::function<UnixMs()> now);
  ~SqlStore() override;

  void set_change_listener(ChangeListener listener) override;

  Checked<Node> add_node(Node node, const TokenHash& token) override;
  Result<std::vector<Node>> nodes() override;
  Result<Node> find_node(std::string_view name_or_uuid) override;
  Result<void> replace_node_token(NodeId node, const TokenHash& token) override;
  std::optional<NodeId> node_of_token(const TokenHash& token) override;
  Result<void> put_bootstrap(const TokenHash& token, const Bootstrap& bootstrap) override;
  Result<RedeemedBootstrap> redeem_bootstrap(const TokenHash& token, const TokenHash& node_token, UnixMs now) override;
  Result<void> record_heartbeat(NodeId node, const Heartbeat& heartbeat) override;
  Checked<Node> change_node(std::string_view name_or_uuid, const NodeDecision& decide) override;
  Checked<Node> delete_node(std::string_view name_or_uuid, bool with_sessions) override;

  Result<Settings> settings() override;
  Checked<Settings> change_settings(const SettingsDecision& decide) override;
  Result<Secret> network_secret() override;

  Result<SessionsOfNode> sessions_of(NodeId node) override;
  Result<std::vector<StoredSession>> sessions() override;
  Result<StoredSession> find_session(std::string_view uuid) override;
  Checked<StoredSession> add_session(StoredSession row) override;
  Result<std::vector<Changed>> change_sessions(const std::vector<SessionChange>& changes) override;

  Result<void> record_reports(NodeId node, const std::vector<SessionReport>& reports) override;
  Result<std::vector<SessionReport>> reports_of(NodeId node) override;
  Result<void> record_document(NodeId node, std::string_view kind, const std::string& json, UnixMs at) override;
  Result<std::optional<Document>> document_of(NodeId node, std::string_view kind) override;

  struct State;  // the connections; shared by the sql_*.cpp of this class

 private:
  explicit SqlStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace moenet::controlplane
