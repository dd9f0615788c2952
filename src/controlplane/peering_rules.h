// PeeringRules: may this AS have this session on this node? What would break the node or another's session is refused
// to everybody; what is the network's policy binds peers, and operators may do otherwise. Pure. Refusals name the
// member of the draft and say the way out.
#pragma once

#include <optional>
#include <span>

#include "controlplane/store.h"

namespace moenet::controlplane {

// What the rules look at beside the session. `sessions` are those of its node and all that may have its
// key; the session itself may be among them.
struct PeeringFacts {
  const Settings& settings;
  const Node& node;  // of the session
  std::span<const Node> nodes;
  std::span<const StoredSession> sessions;
  std::optional<bool> is_registered;  // is the ASN in the registry? Nothing: there is none to ask
};

// Whoever asks. Refusals: invalid (node, publicKey, ipv4, ipv6).
Checked<void> check_sound(const StoredSession& row, const PeeringFacts& facts);
// What only one session of a node can have, in the words of Store::add_session, which decides it in the end. `before`
// is the session as it is, nothing of a new one: what it has already is not asked about, because an imported row may
// hold it twice. Refusals: conflict (asn, interface, port, ipv4, ipv6).
Checked<void> check_free(const StoredSession* before, const StoredSession& row, const PeeringFacts& facts);
// Of peers. `before` as above. Refusals: invalid, with the member.
Checked<void> check_policy(const StoredSession* before, const StoredSession& row, const PeeringFacts& facts);
// The first listen port from the AS's own on that no session of the node has and a peer may have; 0 when there is none.
std::int64_t free_port(model::Asn asn, const PeeringFacts& facts);

}  // namespace moenet::controlplane
