// A node as an operator writes it in the admin API, and its way into a Node. Refusals name the member.
#pragma once

#include <boost/json/fwd.hpp>

#include "controlplane/store.h"

namespace moenet::controlplane {

// `node` with the members of `changes` put over it: name and id only for a new one (`node.id` is 0). Members: name, id,
// region (code or name, "AS-E"), location, provider, isRr, bandwidth; loopbackIpv4, loopbackIpv6 (null: derived),
// publicIpv4, publicIpv6 (null: what the node tells); maxSessions, closed, minBandwidthMbit,
// peeringNote.
Checked<Node> merge_node(Node node, const boost::json::value& changes);

}  // namespace moenet::controlplane
