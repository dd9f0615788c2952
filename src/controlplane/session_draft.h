// SessionDraft: a session as an operator writes it (the admin API's members), and its way into a row. Here is the door:
// what the agent would refuse is refused with the member's name. Also the row's two ways out: to the agent (wire
// contract A3) and to operators.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <boost/json/fwd.hpp>

#include "base/secret.h"
#include "controlplane/store.h"

namespace moenet::controlplane {

struct SessionDraft {
  std::int64_t asn = 0;
  std::string name;         // "" = AS<asn>
  std::string description;  // "" = the name
  std::string type = "wireguard";
  std::string public_key;
  Secret preshared_key;                 // empty = none
  std::string endpoint;                 // "" = the peer calls us; of GRE HOST
  std::optional<std::int64_t> gre_key;  // of GRE, as what is above of it is of WireGuard
  std::string ipv4;                     // the peer's addresses; "" = none
  std::string ipv6;
  std::string ipv6_link_local;
  std::string interface_name;        // "" = dn42-<asn>
  std::optional<std::int64_t> port;  // our listen port; absent = 30000 + asn % 10000; GRE has none
  std::int64_t mtu = 1420;
  std::string policy;  // "" = the network's for every peer, or "full"
  bool mp_bgp = false;
  bool extended_next_hop = false;
  Secret password;  // of BGP, RFC 2385; empty = none
  std::optional<std::int64_t> import_limit;
  std::optional<std::int64_t> bandwidth_mbit;
};

// The draft with the members of `changes` put over it, by RFC 7396: null takes a member back to its default. Refusals
// name the member as written; members that do not exist are refused too. `node`, `approve` belong to the request, not
// to the session: they pass.
Checked<SessionDraft> merge_draft(SessionDraft draft, const boost::json::value& changes);
// What a draft must have been to make this row. A row from elsewhere that is no valid session comes back without what
// cannot be read.
SessionDraft draft_of(const StoredSession& row);

// Fills content, claims and nothing else of `row`: uuid, node, status and times stay. Refusals: invalid, with the
// member's name.
Checked<StoredSession> apply_draft(StoredSession row, const SessionDraft& draft, const Settings& settings,
                                   const Node& node);

// As the agent reads it.
boost::json::object agent_view(const StoredSession& row);
// As an operator reads it: no preshared key or password, only whether there is one; with the node's latest report, when
// there is one.
boost::json::object operator_view(const StoredSession& row, const Node& node, const std::string& report_json);

}  // namespace moenet::controlplane
