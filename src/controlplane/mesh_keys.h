// The preshared keys of the mesh: made of one secret of the network and the two nodes, so that none is kept, and both
// nodes of a pair get the same one. A node that takes over an id has a uuid of its own, and so other keys.
#pragma once

#include <string_view>

#include "base/key.h"
#include "base/secret.h"

namespace moenet::controlplane {

// BLAKE2b-256 (RFC 7693) of the two uuids, in either order, keyed with `network_secret` (16 to 64 bytes).
Key mesh_preshared_key(const Secret& network_secret, std::string_view uuid, std::string_view other_uuid);

}  // namespace moenet::controlplane
