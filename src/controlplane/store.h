// Store: what the control plane remembers, and the one door to the database. SqlStore is the implementation (SQLite
// now; all SQL is portable, so that PostgreSQL can stand behind the same door). Every call is one transaction and
// thread-safe. Errors: unavailable (the database is away, full or locked), not_found, conflict where said, internal. A
// method that changes what a node reads raises that node's `changes` in the same transaction and calls the listener
// after the commit.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "controlplane/refusal.h"
#include "controlplane/settings.h"
#include "model/session.h"

namespace moenet::controlplane {

using NodeId = int;           // 1…62 (wire contract A11)
using UnixMs = std::int64_t;  // wall time in milliseconds since 1970
constexpr NodeId kMaxNodeId = 62;

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
  std::string seen_ipv4;  // told by heartbeats
  std::string seen_ipv6;
  std::string mesh_public_key;  // told by heartbeats; "" = not yet known
  std::string agent_version;
  std::string status_json;  // `status` of the last heartbeat, "" = none yet
  UnixMs last_seen = 0;     // 0 = never
  UnixMs created_at = 0;
  std::int64_t changes = 0;  // rises whenever something that the node reads may have changed
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

// The latest report of one BGP session (wire contract A7, B3).
struct SessionReport {
  std::string name;  // "dn42_<asn>"
  std::string json;  // the whole element as sent
  UnixMs at = 0;
};

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
};
// The row as it is afterwards; nothing when it was dropped.
using Changed = Checked<std::optional<StoredSession>>;

using TokenHash = std::string;  // 64 hexadecimal digits, token.h

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

class Store {
 public:
  using ChangeListener = std::function<void(NodeId node, std::int64_t changes)>;

  virtual ~Store() = default;

  // Called after each commit that changed what a node reads, on the committing thread. Set once, before any other call.
  virtual void set_change_listener(ChangeListener listener) = 0;

  // --- nodes
  // Takes the lowest free id when `node.id` is 0, makes a uuid when it has none. Refusals: name or id taken; no id
  // left; those of check_loopbacks (loopbacks.h).
  virtual Checked<Node> add_node(Node node, const TokenHash& token) = 0;
  virtual Result<std::vector<Node>> nodes() = 0;  // by id
  // Of a name the case counts, of a uuid not.
  virtual Result<Node> find_node(std::string_view name_or_uuid) = 0;
  // The old token stops working at once.
  virtual Result<void> replace_node_token(NodeId node, const TokenHash& token) = 0;
  // Out of memory, so that a guess costs no query.
  virtual std::optional<NodeId> node_of_token(const TokenHash& token) = 0;
  // A node has one bootstrap token at most: a new one ends the one before.
  virtual Result<void> put_bootstrap(const TokenHash& token, const Bootstrap& bootstrap) = 0;
  // Uses the token up, and gives its node `node_token` in the same transaction. Errors: not_found (unknown, used up or
  // expired).
  virtual Result<RedeemedBootstrap> redeem_bootstrap(const TokenHash& token, const TokenHash& node_token,
                                                     UnixMs now) = 0;
  // Mesh key and public addresses are read by other nodes: a new one raises every node's `changes`.
  virtual Result<void> record_heartbeat(NodeId node, const Heartbeat& heartbeat) = 0;
  // Reads the node, asks `decide`, and keeps the operator's fields of its answer (region to public_ipv6), all in one
  // transaction. Raises every node's `changes`. Refusals: not_found, what `decide` refuses, and those of
  // check_loopbacks.
  using NodeDecision = std::function<Checked<Node>(const Node& node)>;
  virtual Checked<Node> change_node(std::string_view name_or_uuid, const NodeDecision& decide) = 0;
  // Forgets the node with its tokens and all that it told; with its sessions too when so asked. Raises every node's
  // `changes`, the deleted one's for its waiting reads; the next node of this id counts on from there. The node as it
  // was. Refusals: not_found; conflict, when it has sessions.
  virtual Checked<Node> delete_node(std::string_view name_or_uuid, bool with_sessions) = 0;

  // --- settings
  virtual Result<Settings> settings() = 0;
  // As change_node. A new prefix must suit check_prefixes (loopbacks.h).
  using SettingsDecision = std::function<Checked<Settings>(const Settings& settings)>;
  virtual Checked<Settings> change_settings(const SettingsDecision& decide) = 0;
  // What the mesh's preshared keys are made of (mesh_keys.h): made when first asked for, then the same for ever. It is
  // for nobody's eyes.
  virtual Result<Secret> network_secret() = 0;

  // --- sessions. They are named by their uuid, in lower or upper case; kept is the lower one.
  virtual Result<SessionsOfNode> sessions_of(NodeId node) = 0;
  virtual Result<std::vector<StoredSession>> sessions() = 0;  // all, by node and asn
  virtual Result<StoredSession> find_session(std::string_view uuid) = 0;
  // As given, uuid and times included. Refusals (conflict) name the field that another session of the node holds: asn,
  // interface, port (unless 0), ipv4, ipv6 (unless link-local: each link has its own). One key may have many sessions.
  virtual Checked<StoredSession> add_session(StoredSession row) = 0;
  // Reads each row, asks its `decide`, and carries the verdict out, all in one transaction: nothing comes in between.
  // Keep changes nothing, not even a counter. Replace may not change uuid, node or created_at; version and updated_at
  // are the store's. Item i answers change i; one refusal does not stop the others. Refusals: not_found, as
  // add_session, and what `decide` refuses.
  virtual Result<std::vector<Changed>> change_sessions(const std::vector<SessionChange>& changes) = 0;
  Changed change_session(SessionChange change) {
    auto changed = change_sessions({std::move(change)});
    if (!changed) return std::unexpected(Refusal(changed.error()));
    return std::move(changed->front());
  }

  // --- what nodes tell
  virtual Result<void> record_reports(NodeId node,
                                      const std::vector<SessionReport>& reports) = 0;  // replaces all of the node's
  virtual Result<std::vector<SessionReport>> reports_of(NodeId node) = 0;              // by name
  // The latest document of a kind: "rtt", "mesh-status".
  virtual Result<void> record_document(NodeId node, std::string_view kind, const std::string& json, UnixMs at) = 0;
  virtual Result<std::optional<Document>> document_of(NodeId node, std::string_view kind) = 0;
};

}  // namespace moenet::controlplane
