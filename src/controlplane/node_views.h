// What a node reads about itself and the others: configuration, mesh, BIRD policy (wire contract A4, A9, A10). Pure:
// the same nodes and settings give the same bytes.
#pragma once

#include <optional>
#include <span>

#include <boost/json/fwd.hpp>

#include "base/clock.h"
#include "base/secret.h"
#include "controlplane/settings.h"
#include "controlplane/store.h"

namespace moenet::controlplane {

boost::json::value config_view(const Settings& settings, const Node& node);
// `nodes` are all nodes, by id. The same region is a full mesh; between regions only route reflectors are joined. With
// the setting `mesh.presharedKeys` each peer has the key of the pair, made of `network_secret`, which is else not used.
boost::json::value mesh_view(const Settings& settings, const Node& node, std::span<const Node> nodes,
                             const Secret& network_secret);
// Nothing when no policy is set.
std::optional<boost::json::value> bird_config_view(const Settings& settings, const Node& node,
                                                   std::span<const Node> nodes);
// For operators: everything but tokens.
boost::json::value operator_view(const Settings& settings, const Node& node);
// For whoever may peer with the node: where and who it is, and whether it is `up`, which is a node that was heard of in
// the last two minutes.
boost::json::value public_view(const Settings& settings, const Node& node, WallTime now);

}  // namespace moenet::controlplane
