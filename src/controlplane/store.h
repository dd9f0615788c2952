// Store: what the control plane remembers, and the one door to the database. SqlStore is the implementation, on SQLite
// or PostgreSQL. Every call is one transaction and thread-safe; no two writes run at a time, of any process, but for
// what nodes tell of themselves. What people, programs of theirs and nodes' status moves change is written to the audit
// log in the same transaction, as done by `by`. Errors: unavailable (the database is away, full or locked), not_found,
// conflict where said, internal. A method that changes what a node reads raises that node's `changes` in the same
// transaction and calls the listener after the commit.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "controlplane/events.h"
#include "controlplane/people.h"
#include "controlplane/refusal.h"
#include "controlplane/samples.h"
#include "controlplane/settings.h"
#include "model/session.h"

namespace moenet::controlplane {

using NodeId = int;  // 1…kMaxNodeId
// What the interface name "dn42-wg-igp-<id>" has room for, with 15 bytes in all. The prefix of the loopbacks may have
// room for fewer (loopbacks.h): a /26 for 62.
constexpr NodeId kMaxNodeId = 999;

struct Node {
  NodeId id = 0;
  std::string uuid;
  std::string name;
  int region_code = 0;
  std::string location;
  std::string provider;
  bool is_rr = false;
  std::string bandwidth = "1G";  // "100M", "10G": what the BIRD policy names
  std::string loopback_ipv4;     // set by the operator; empty: derived from the id (addressing.h)
  std::string loopback_ipv6;
  std::string public_ipv4;  // set by the operator; empty: what the node last told us
  std::string public_ipv6;
  int max_sessions = 0;        // 0: as many as there come
  bool is_closed = false;      // takes no new peers
  int min_bandwidth_mbit = 0;  // of a peer's link; 0: any
  std::string peering_note;    // for who wants to peer
  bool is_leaving = false;     // takes no sessions any more, and is gone with its last one
  std::string seen_ipv4;       // told by heartbeats
  std::string seen_ipv6;
  std::string mesh_public_key;  // told by heartbeats; "" = not yet known
  std::string agent_version;
  std::string status_json;  // `status` of the last heartbeat, "" = none yet
  UnixMs last_seen = 0;     // 0 = never
  UnixMs created_at = 0;
  std::int64_t changes = 0;  // rises whenever something that the node reads may have changed
  std::int64_t version = 1;  // rises with each change by people, not with what the node tells
};

// What a change by people was based on: the row's version as they saw it, or nothing when they do not say. The store
// refuses the change with conflict, field "version", when somebody else was faster.
using ExpectedVersion = std::optional<std::int64_t>;

struct VersionedSettings {
  Settings settings;
  std::int64_t version = 0;  // 0: never changed; rises with each change
};

// What a heartbeat tells (wire contract A6).
struct Heartbeat {
  std::string agent_version;
  std::string status_json;
  std::optional<std::string> mesh_public_key;
  std::optional<std::string> public_ipv4;
  std::optional<std::string> public_ipv6;
  UnixMs at = 0;
};

// A session as kept: the fields of wire contract A3 in the wire's own form, because rows of other systems may be
// imported that are no valid model::Session. Rows made here are valid (session_rules.h). Text that is null on the wire
// is "" here.
struct StoredSession {
  std::string uuid;
  NodeId node = 0;
  model::Asn asn = 0;
  std::string name;
  std::string description;
  model::SessionStatus status = model::SessionStatus::pending;
  std::string ipv4;
  std::string ipv6;
  std::string ipv6_link_local;
  std::string type = "wireguard";
  std::string extensions_json = "[]";
  std::string interface_name;
  std::string endpoint;
  std::string credential;  // holds the preshared key: never in a log
  std::string data_json = "null";
  std::int64_t mtu = 1420;
  std::int64_t port = 0;
  std::string policy = "full";
  std::string last_error;
  UnixMs created_at = 0;
  UnixMs updated_at = 0;
  std::int64_t version = 1;  // rises with every change of the row

  friend bool operator==(const StoredSession&, const StoredSession&) = default;
};

struct SessionsOfNode {
  std::int64_t changes = 0;         // the node's counter in the same snapshot
  std::vector<StoredSession> rows;  // by asn
};

// Which sessions are meant; what is absent is no condition.
struct SessionQuery {
  std::optional<NodeId> node = {};
  std::optional<model::Asn> asn = {};
  std::optional<model::SessionStatus> status = {};
  // In lower case; somewhere in what people call it by: "as<asn>", name, description, endpoint, uuid.
  std::string words = {};
  std::string key = {};  // a WireGuard public key: somewhere in the credential
  // Only those behind this place in the order of lists, by node and asn, of which a node has one session.
  NodeId after_node = 0;
  model::Asn after_asn = 0;
  std::size_t limit = 0;  // 0: all
};

// The latest report of one BGP session (wire contract A7, B3).
struct SessionReport {
  std::string name;       // "dn42_<asn>"
  std::string json;       // the whole element as sent
  UnixMs at = 0;          // of its arrival
  std::string uuid = {};  // of the session; "": the one whose ASN is in the name
  std::optional<Reading> reading = std::nullopt;
};

// For the series of a session of the node, or of its link to another node.
struct SeriesReading {
  std::string session;  // uuid; "" = of a link
  NodeId peer = 0;      // the other end; 0 = of a session
  Reading reading;
};

// How far back a series goes: a day of fine slots, or 90 of coarse ones.
enum class Span : std::uint8_t { day, quarter };

// The latest document of a kind that a node told.
struct Document {
  std::string json;
  UnixMs at = 0;

  friend bool operator==(const Document&, const Document&) = default;
};

// What becomes of a row that was looked at.
struct Keep {};
struct Replace {
  StoredSession row;
};
struct Drop {};
using Verdict = std::variant<Keep, Replace, Drop>;

// One read-decide-write of a row.
struct SessionChange {
  std::string uuid;
  std::function<Checked<Verdict>(const StoredSession& row)> decide;
  ExpectedVersion expected = {};
  std::string reason = {};  // for the session's events, when its status moves
};
// The row as it is afterwards; nothing when it was dropped.
using Changed = Checked<std::optional<StoredSession>>;

// A right to become a node, once: whoever has the token gets that node's credentials (wire contract A2, /bootstrap).
struct Bootstrap {
  NodeId node = 0;
  std::string url;  // where the new node reaches this control plane
  UnixMs expires_at = 0;
};
struct RedeemedBootstrap {
  std::string node_name;
  std::string url;
};

// Since the start of this process.
struct StoreCounters {
  std::uint64_t reads = 0;          // transactions that only read
  std::uint64_t writes = 0;         // committed ones
  std::uint64_t errors = 0;         // calls that the database failed
  std::uint64_t reconnects = 0;     // calls that found their connection lost, and made it anew
  std::uint64_t notifications = 0;  // of other processes on the same database
  std::uint64_t readings_taken = 0;
  std::uint64_t readings_ignored = 0;    // repeated, out of time, or of what is not the node's
  std::uint64_t deliveries_dropped = 0;  // because a webhook had too many waiting
};

class Store {
 public:
  using ChangeListener = std::function<void(NodeId node, std::int64_t changes)>;

  virtual ~Store() = default;

  // Called after each commit that changed what a node reads: on the committing thread, or, for a commit of another
  // process on the same database, on one of the store's. Counters may come in another order than they rose. Set before
  // any other call; when it was taken away ({}), it is not called any more.
  virtual void set_change_listener(ChangeListener listener) = 0;

  // --- nodes
  // Takes the lowest free id when `node.id` is 0, makes a uuid when it has none. Refusals: name or id taken; no id
  // left; those of check_loopbacks (loopbacks.h).
  virtual Checked<Node> add_node(const Author& by, Node node, const TokenHash& token) = 0;
  virtual Result<std::vector<Node>> nodes() = 0;  // by id
  // Of a name the case counts, of a uuid not.
  virtual Result<Node> find_node(std::string_view name_or_uuid) = 0;
  // The token that it had stays good until `old_until`, so that the node can be told the new one in between; a time
  // that has passed ends it at once. One that was on its way out already ends at once.
  virtual Result<void> replace_node_token(const Author& by, NodeId node, const TokenHash& token, UnixMs old_until) = 0;
  // All of them, at once: the node is nobody until it gets a new one.
  virtual Result<void> revoke_node_tokens(const Author& by, NodeId node) = 0;
  // Out of memory, so that a guess costs no query (of several processes on a database: one a second in all). A token
  // that another process replaced ends here when its notification comes, some milliseconds later, or, where that got
  // lost, at the store's next look at the table (SqlOptions::recheck, 10 s).
  virtual std::optional<NodeId> node_of_token(const TokenHash& token) = 0;
  // A node has one bootstrap token at most: a new one ends the one before.
  virtual Result<void> put_bootstrap(const Author& by, const TokenHash& token, const Bootstrap& bootstrap) = 0;
  // Whose it is; it stays good, also after it was used up, until it expires. Errors: not_found.
  virtual Result<RedeemedBootstrap> find_bootstrap(const TokenHash& token, UnixMs now) = 0;
  // Uses the token up, and gives its node `node_token` in the same transaction; those that it had end. Again with the
  // same `node_token` it changes nothing and succeeds, while that is the node's: who claims may not have heard the
  // answer. Errors: not_found (unknown or expired), conflict (used up, or `node_token` is another node's).
  virtual Result<RedeemedBootstrap> redeem_bootstrap(const Author& by, const TokenHash& token,
                                                     const TokenHash& node_token, UnixMs now) = 0;
  // Mesh key and public addresses are read by other nodes: a new one raises every node's `changes`.
  virtual Result<void> record_heartbeat(NodeId node, const Heartbeat& heartbeat) = 0;
  // Reads the node, asks `decide`, and keeps the operator's fields of its answer (region to peering_note), all in one
  // transaction. Raises every node's `changes`, unless the answer is the node as it is. Refusals: not_found, conflict
  // (ExpectedVersion), what `decide` refuses, and those of check_loopbacks.
  using NodeDecision = std::function<Checked<Node>(const Node& node)>;
  virtual Checked<Node> change_node(const Author& by, std::string_view name_or_uuid, const NodeDecision& decide,
                                    ExpectedVersion expected = {}) = 0;
  // Forgets the node with its sessions, its tokens and all that it told. Raises every node's `changes`, the deleted
  // one's for its waiting reads; the next node of this id counts on from there. The node as it was. Refusals:
  // not_found; conflict, by ExpectedVersion.
  virtual Checked<Node> delete_node(const Author& by, std::string_view name_or_uuid, ExpectedVersion expected = {}) = 0;
  // From now on the node takes no session, and whatever drops its last one forgets the node in the same transaction, as
  // delete_node does: without sessions this does. Whose session it was is gone when find_node says so. The node as it
  // is, or was. Refusals as of delete_node.
  virtual Checked<Node> retire_node(const Author& by, std::string_view name_or_uuid, ExpectedVersion expected = {}) = 0;

  // --- settings
  virtual Result<VersionedSettings> versioned_settings() = 0;
  Result<Settings> settings() {
    TRY(auto read, versioned_settings());
    return std::move(read.settings);
  }
  // As change_node. A new prefix must suit check_prefixes (loopbacks.h).
  using SettingsDecision = std::function<Checked<Settings>(const Settings& settings)>;
  virtual Checked<VersionedSettings> change_settings(const Author& by, const SettingsDecision& decide,
                                                     ExpectedVersion expected = {}) = 0;
  // What the mesh's preshared keys are made of (mesh_keys.h): made when first asked for, then the same for ever. It is
  // for nobody's eyes.
  virtual Result<Secret> network_secret() = 0;

  // --- sessions. They are named by their uuid, in lower or upper case; kept is the lower one.
  virtual Result<SessionsOfNode> sessions_of(NodeId node) = 0;
  virtual Result<std::vector<StoredSession>> sessions(const SessionQuery& query) = 0;  // by node and asn
  virtual Result<StoredSession> find_session(std::string_view uuid) = 0;
  // As given, uuid and times included. Refusals (conflict) name the field that another session of the node holds: asn,
  // interface, port (unless 0), ipv4, ipv6 (unless link-local: each link has its own); "node" when it is leaving. One
  // key may have many sessions.
  virtual Checked<StoredSession> add_session(const Author& by, StoredSession row) = 0;
  // Reads each row, asks its `decide`, and carries the verdict out, all in one transaction: nothing comes in between.
  // Keep changes nothing, not even a counter. Replace may not change uuid, node or created_at; version and updated_at
  // are the store's. Item i answers change i; one refusal does not stop the others. Refusals: not_found, as
  // add_session, and what `decide` refuses.
  virtual Result<std::vector<Changed>> change_sessions(const Author& by, const std::vector<SessionChange>& changes) = 0;
  Changed change_session(const Author& by, SessionChange change) {
    auto changed = change_sessions(by, {std::move(change)});
    if (!changed) return std::unexpected(Refusal(changed.error()));
    return std::move(changed->front());
  }

  // A move of a session's status, made by the two above, is an event, in the same transaction; and so is a delivery to
  // each webhook that wants it (events.h). A session has its last kMostEvents; they go with it. The newest first; of no
  // such session none.
  virtual Result<std::vector<SessionEvent>> events_of(std::string_view uuid) = 0;
  virtual Result<std::map<model::SessionStatus, std::int64_t>> session_counts() = 0;

  // --- deliveries to webhooks. Of each webhook only the oldest one is anybody's to claim, so they go out in order.
  // One that is due and nobody's, the caller's until `lease_until`; nothing when there is none.
  virtual Result<std::optional<Delivery>> claim_delivery(const std::string& claimer, UnixMs now,
                                                         UnixMs lease_until) = 0;
  // It went out, or is given up. Nothing happens when it is not the claimer's any more.
  virtual Result<void> end_delivery(const std::string& claimer, std::int64_t number) = 0;
  // It failed: due again at `next_at`. Likewise.
  virtual Result<void> postpone_delivery(const std::string& claimer, std::int64_t number, UnixMs next_at) = 0;
  virtual Result<std::int64_t> waiting_deliveries() = 0;

  // --- what nodes tell
  enum class Reports { replace, add };  // what the node's other reports become: nothing, or they stay
  // The reports' readings are taken into the series, in the same transaction, as by record_readings.
  virtual Result<void> record_reports(NodeId node, const std::vector<SessionReport>& reports, Reports others) = 0;
  virtual Result<std::vector<SessionReport>> reports_of(NodeId node) = 0;  // by name
  // The latest document of a kind: "rtt", "mesh-status".
  virtual Result<void> record_document(NodeId node, std::string_view kind, const std::string& json, UnixMs at) = 0;
  virtual Result<std::optional<Document>> document_of(NodeId node, std::string_view kind) = 0;

  // --- people. Users are named by name or uuid.
  // Makes a uuid. Refusals: conflict (name, asn).
  virtual Checked<User> add_user(const Author& by, User user) = 0;
  virtual Result<std::vector<User>> users() = 0;  // by name
  virtual Result<User> find_user(std::string_view name_or_uuid) = 0;
  // Keeps role and is_disabled of what `decide` answers. Disabling ends the user's web sessions and API tokens.
  // Refusals: not_found, and what `decide` refuses.
  using UserDecision = std::function<Checked<User>(const User& user)>;
  virtual Checked<User> change_user(const Author& by, std::string_view name_or_uuid, const UserDecision& decide) = 0;
  // With web sessions and API tokens. `may` can refuse.
  using UserCheck = std::function<Checked<void>(const User& user)>;
  virtual Checked<User> delete_user(const Author& by, std::string_view name_or_uuid, const UserCheck& may) = 0;

  // Refusals: unavailable, when too many are open.
  virtual Result<void> put_challenge(const Challenge& challenge, UnixMs now) = 0;
  // Each is taken once, by one caller, whatever comes of it. Errors: not_found (unknown, taken or expired).
  virtual Result<Challenge> take_challenge(const TokenHash& hash, UnixMs now) = 0;

  // The user of this ASN, made when it signs in for the first time, with a web session. Refusals: denied, when
  // disabled.
  virtual Checked<User> sign_in(const Author& by, model::Asn asn, WebSession session, UnixMs now) = 0;
  // For the holder of a token.
  virtual Result<void> open_web_session(const Author& by, const WebSession& session, UnixMs now) = 0;
  virtual Result<void> end_web_session(const Author& by, const TokenHash& hash) = 0;
  // Errors: not_found (unknown, expired, or its user or token is gone or disabled). Notes every few minutes that the
  // user was seen.
  virtual Result<Holder> holder_of_web_session(const TokenHash& hash, UnixMs now) = 0;
  virtual Result<Holder> holder_of_api_token(const TokenHash& hash, UnixMs now) = 0;

  // Makes a uuid. Refusals: conflict (label), not_found (user).
  virtual Checked<ApiToken> add_api_token(const Author& by, ApiToken token, const TokenHash& hash) = 0;
  virtual Result<std::vector<ApiToken>> api_tokens() = 0;  // by uuid
  // With the web sessions that it opened. `may` can refuse.
  using TokenCheck = std::function<Checked<void>(const ApiToken& token)>;
  virtual Checked<ApiToken> revoke_api_token(const Author& by, std::string_view uuid, const TokenCheck& may) = 0;

  // Newest first.
  virtual Result<std::vector<AuditEntry>> audit(const AuditFilter& filter) = 0;
  // --- series. A reading of what is not the node's, or that take() (samples.h) does not take, is passed over.
  virtual Result<void> record_readings(NodeId node, const std::vector<SeriesReading>& readings, UnixMs arrival) = 0;
  // Errors: not_found.
  virtual Result<Slots> slots_of_session(std::string_view uuid, Span span) = 0;
  virtual Result<std::map<NodeId, Slots>> slots_of_links(NodeId node, Span span) = 0;  // by the other end
  // Makes coarse slots of old fine ones and forgets old coarse ones: at most `most` rows at once, so that no other
  // writer waits for long. How many it was; 0 = nothing is left to do.
  virtual Result<std::size_t> tidy_samples(UnixMs now, std::size_t most) = 0;

  virtual StoreCounters counters() const = 0;
};

}  // namespace moenet::controlplane
