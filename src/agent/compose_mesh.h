// compose_mesh: the loopback and the mesh (wire contract A9, A11; decision 0007) become links that this node wants.
// Pure, apart from the resolver it asks for names.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/compose.h"
#include "agent/config.h"
#include "model/desired.h"
#include "model/mesh.h"

namespace moenet::agent {

// Each node's side of the mesh listens here plus the neighbor's id, and dials the neighbor at this plus its own.
inline constexpr std::uint16_t kMeshPortBase = 51'820;

// Of the loopback's link: what dummy, ifb and bridge begin with (ether_setup(), net/ethernet/eth.c).
inline constexpr std::uint32_t kLoopbackMtu = 1500;

// "dn42-wg-igp-3": the interface towards node 3.
std::string mesh_interface(model::NodeId neighbor);

// The link that carries the node's addresses. Absent when the node has none, or the operator sees to them.
std::optional<model::DesiredPeering> compose_loopback(const model::NodeIdentity& node,
                                                      const LoopbackSettings& settings);

// One per row with an id, sorted by owner. A neighbor that cannot be set up now keeps what runs of it. `limits`: what
// the paths beneath carry.
std::vector<model::DesiredPeering> compose_mesh(const model::Mesh& mesh, const NodeContext& node, const Lookup& lookup,
                                                const MtuLimits& limits = {});

}  // namespace moenet::agent
