// What a node reads about itself and the others: configuration, mesh, BIRD policy (wire contract A4, A9, A10). Pure:
// the same nodes and settings give the same bytes.
#pragma once

#include <optional>
#include <span>

#include <boost/json/fwd.hpp>

#include "controlplane/settings.h"
#include "controlplane/store.h"

namespace moenet::controlplane {

boost::json::value config_view(const Settings& settings, const Node& node);
// `nodes` are all nodes, by id. The same region is a full mesh; between regions only route reflectors are joined.
boost::json::value mesh_view(const Settings& settings, const Node& node, std::span<const Node> nodes);
// Nothing when no policy is set.
std::optional<boost::json::value> bird_config_view(const Settings& settings, const Node& node,
                                                   std::span<const Node> nodes);
// For operators: everything but tokens.
boost::json::value operator_view(const Settings& settings, const Node& node);

}  // namespace moenet::controlplane
