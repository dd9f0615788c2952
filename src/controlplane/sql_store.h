// SqlStore: the Store over SOCI, on SQLite (one file, one process) or PostgreSQL (several control planes share it).
// What was answered with success survives a kill -9 and a power cut. The SQL is the part that both share; what differs
// is behind SqlEngine (sql_engine.h). A lost connection is made anew by the next call.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>

#include "controlplane/database_name.h"
#include "controlplane/messages.h"
#include "controlplane/store.h"

namespace moenet::controlplane {

struct SqlOptions {
  // How often tokens and counters of all nodes are read, should a notification of another process have got lost.
  // Chosen: shorter than any interval of an agent.
  std::chrono::milliseconds recheck{10'000};
  // After which a call's connection is cut: longer than every timeout of the database's own.
  std::chrono::milliseconds longest_call{20'000};
};

class SqlStore final : public Store, public Messages {
 public:
  // Makes a file (mode 0600) and the tables, or brings older ones up to date. `now` gives the times of rows. Errors:
  // denied, invalid (no database, or written by a newer program), unavailable.
  static Result<std::unique_ptr<SqlStore>> open(const DatabaseName& database, std::function<UnixMs()> now,
                                                const SqlOptions& options = {});
  static Result<std::unique_ptr<SqlStore>> open_sqlite(const std::filesystem::path& file, std::function<UnixMs()> now);
  ~SqlStore() override;

  void set_change_listener(ChangeListener listener) override;
  void set_message_listener(Messages::Listener listener) override;
  Result<void> tell(const std::vector<std::string>& texts) override;

  Checked<Node> add_node(const Author& by, Node node, const TokenHash& token) override;
  Result<std::vector<Node>> nodes() override;
  Result<Node> find_node(std::string_view name_or_uuid) override;
  Result<void> replace_node_token(const Author& by, NodeId node, const TokenHash& token, UnixMs old_until) override;
  Result<void> revoke_node_tokens(const Author& by, NodeId node) override;
  std::optional<NodeId> node_of_token(const TokenHash& token) override;
  Result<void> put_bootstrap(const Author& by, const TokenHash& token, const Bootstrap& bootstrap) override;
  Result<RedeemedBootstrap> find_bootstrap(const TokenHash& token, UnixMs now) override;
  Result<RedeemedBootstrap> redeem_bootstrap(const Author& by, const TokenHash& token, const TokenHash& node_token,
                                             UnixMs now) override;
  Result<void> record_heartbeat(NodeId node, const Heartbeat& heartbeat) override;
  Checked<Node> change_node(const Author& by, std::string_view name_or_uuid, const NodeDecision& decide,
                            ExpectedVersion expected = {}) override;
  Checked<Node> delete_node(const Author& by, std::string_view name_or_uuid, ExpectedVersion expected = {}) override;
  Checked<Node> retire_node(const Author& by, std::string_view name_or_uuid, ExpectedVersion expected = {}) override;

  Result<VersionedSettings> versioned_settings() override;
  Checked<VersionedSettings> change_settings(const Author& by, const SettingsDecision& decide,
                                             ExpectedVersion expected = {}) override;
  Result<Secret> network_secret() override;

  Result<SessionsOfNode> sessions_of(NodeId node) override;
  Result<std::vector<StoredSession>> sessions(const SessionQuery& query) override;
  Result<StoredSession> find_session(std::string_view uuid) override;
  Checked<StoredSession> add_session(const Author& by, StoredSession row) override;
  Result<std::vector<Changed>> change_sessions(const Author& by, const std::vector<SessionChange>& changes) override;

  Result<std::vector<SessionEvent>> events_of(std::string_view uuid) override;
  Result<std::map<model::SessionStatus, std::int64_t>> session_counts() override;

  Result<std::optional<Delivery>> claim_delivery(const std::string& claimer, UnixMs now, UnixMs lease_until) override;
  Result<void> end_delivery(const std::string& claimer, std::int64_t number) override;
  Result<void> postpone_delivery(const std::string& claimer, std::int64_t number, UnixMs next_at) override;
  Result<std::int64_t> waiting_deliveries() override;

  Result<void> record_reports(NodeId node, const std::vector<SessionReport>& reports, Reports others) override;
  Result<std::vector<SessionReport>> reports_of(NodeId node) override;
  Result<void> record_document(NodeId node, std::string_view kind, const std::string& json, UnixMs at) override;
  Result<std::optional<Document>> document_of(NodeId node, std::string_view kind) override;

  Checked<User> add_user(const Author& by, User user) override;
  Result<std::vector<User>> users() override;
  Result<User> find_user(std::string_view name_or_uuid) override;
  Checked<User> change_user(const Author& by, std::string_view name_or_uuid, const UserDecision& decide) override;
  Checked<User> delete_user(const Author& by, std::string_view name_or_uuid, const UserCheck& may) override;
  Result<void> put_challenge(const Challenge& challenge, UnixMs now) override;
  Result<Challenge> take_challenge(const TokenHash& hash, UnixMs now) override;
  Checked<User> sign_in(const Author& by, model::Asn asn, WebSession session, UnixMs now) override;
  Result<void> open_web_session(const Author& by, const WebSession& session, UnixMs now) override;
  Result<void> end_web_session(const Author& by, const TokenHash& hash) override;
  Result<Holder> holder_of_web_session(const TokenHash& hash, UnixMs now) override;
  Result<Holder> holder_of_api_token(const TokenHash& hash, UnixMs now) override;
  Checked<ApiToken> add_api_token(const Author& by, ApiToken token, const TokenHash& hash) override;
  Result<std::vector<ApiToken>> api_tokens() override;
  Checked<ApiToken> revoke_api_token(const Author& by, std::string_view uuid, const TokenCheck& may) override;
  Result<std::vector<AuditEntry>> audit(const AuditFilter& filter) override;
  Result<void> record_readings(NodeId node, const std::vector<SeriesReading>& readings, UnixMs arrival) override;
  Result<Slots> slots_of_session(std::string_view uuid, Span span) override;
  Result<std::map<NodeId, Slots>> slots_of_links(NodeId node, Span span) override;
  Result<std::size_t> tidy_samples(UnixMs now, std::size_t most) override;

  StoreCounters counters() const override;

  struct State;  // the connections; shared by the sql_*.cpp of this class

 private:
  explicit SqlStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace moenet::controlplane
