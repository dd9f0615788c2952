// AdminApi: nodes, sessions, the mesh, settings and the blocklist (docs/api.yaml: /api/v1/… and, for admins, the same
// below /api/v1/admin), on top of a Store. Synchronous; the service runs it on its workers. JSON in and out, errors as
// RFC 9457 problem details.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "controlplane/access.h"
#include "controlplane/admin_body.h"
#include "controlplane/registry.h"
#include "controlplane/session_moves.h"
#include "controlplane/store.h"
#include "http/message.h"

namespace moenet::controlplane {

// Thread-safe. All calls check first who asks. Nodes are public in part; of sessions a user has those of the own AS,
// and any other is to them as good as absent; all else is for admins.
class AdminApi {
 public:
  // `public_url`: where nodes reach this control plane, when a caller does not say; "" = it must.
  // `registry`: the folder in which peers are looked up; "" = they are not.
  AdminApi(Store& store, Access& access, std::function<WallTime()> now, std::string public_url,
           const std::filesystem::path& registry)
      : store_(store), access_(access), now_(std::move(now)), public_url_(std::move(public_url)) {
    if (!registry.empty()) registry_.emplace(registry);
  }

  http::Response legacy(const http::Request& request) const;  // POST /api/v1/admin, which this server does not have

  http::Response list_nodes(const http::Request& request) const;  // in parts
  http::Response add_node(const http::Request& request) const;    // 201 with the token, told this once
  http::Response show_node(const http::Request& request, std::string_view node) const;
  http::Response edit_node(const http::Request& request, std::string_view node) const;
  // 204 when it is gone; 202 with the node while it is leaving: it removes its sessions first. ?force=1 does not wait.
  http::Response remove_node(const http::Request& request, std::string_view node) const;
  // `overlap` (?overlap=SECONDS or a member): how long the old token stays good; a day, 0 = it ends at once.
  http::Response rotate_token(const http::Request& request, std::string_view node) const;
  http::Response revoke_token(const http::Request& request, std::string_view node) const;  // 204, at once
  // 201 with the URL of a script that makes a machine this node; good once, for a day.
  http::Response add_bootstrap(const http::Request& request, std::string_view node) const;

  http::Response list_sessions(const http::Request& request) const;  // ?node= ?status= ?asn= ?q=, in parts
  // 201. ?dry-run=1 of this and of edit_session answers the session as it would be, 200, and changes nothing.
  http::Response add_session(const http::Request& request) const;
  http::Response show_session(const http::Request& request, std::string_view uuid) const;
  http::Response snippets(const http::Request& request, std::string_view uuid) const;  // what the peer pastes
  http::Response edit_session(const http::Request& request, std::string_view uuid) const;
  http::Response move_session(const http::Request& request, std::string_view uuid, OperatorMove move) const;
  http::Response remove_session(const http::Request& request,
                                std::string_view uuid) const;  // ?force=1 drops the row now

  http::Response show_settings(const http::Request& request) const;
  http::Response edit_settings(const http::Request& request) const;
  http::Response show_policy(const http::Request& request) const;       // the BIRD files of each node, or of ?node=
  http::Response preview_settings(const http::Request& request) const;  // how a change of the settings changes them

  http::Response mesh(const http::Request& request) const;  // each link as its ends tell it
  http::Response show_blocklist(const http::Request& request) const;
  http::Response put_blocklist(const http::Request& request) const;

 private:
  http::Response for_admins(const http::Request& request, const PeopleWork& work) const;
  http::Response for_all(const http::Request& request, const PeopleWork& work) const;
  // Refusals: not_found, also for what the caller may not see.
  Checked<StoredSession> visible_session(const Caller& caller, std::string_view uuid) const;
  // What the rules look at, of one session.
  struct World {
    Settings settings;
    std::vector<Node> nodes;
    std::vector<StoredSession> sessions;  // of the session's node, and those that may have its key

    const Node* node(NodeId id) const;  // nullptr: there is none
  };
  Checked<World> world(NodeId node, const std::string& public_key) const;
  std::optional<bool> is_registered(const Caller& caller, model::Asn asn) const;
  // Refusals: those of peering_rules.h that bind the caller.
  Checked<void> check_rules(const Caller& caller, const StoredSession* before, const StoredSession& row,
                            const World& world) const;
  Checked<StoredSession> edited(const Caller& caller, const StoredSession& row, const boost::json::value& changes,
                                const World& world) const;
  Checked<void> queue_sessions_of(const Caller& caller, const Node& node) const;
  // All nodes, and those that the caller asks about. Refusals: not_found.
  struct AskedNodes {
    std::vector<Node> all;
    std::vector<Node> asked;
  };
  Checked<AskedNodes> asked_nodes(const http::Request& request) const;
  Checked<http::Response> session_answer(const http::Request& request, int status, const StoredSession& row) const;
  Checked<http::Response> changed_answer(const http::Request& request, const Changed& changed) const;

  Store& store_;
  Access& access_;
  const std::function<WallTime()> now_;
  const std::string public_url_;
  std::optional<Registry> registry_;
};

}  // namespace moenet::controlplane
