// What a node told of its mesh links (POST mesh/status, wire contract A2 and ours: `links`), as an operator sees it.
// Pure.
#pragma once

#include <span>
#include <string_view>

#include <boost/json/fwd.hpp>

#include "controlplane/store.h"

namespace moenet::controlplane {

// One entry per link, by node id: `id`, `node` (its name; null when no node has the id now), `state` (as told; null:
// not told), `handshakeAge` (seconds; null: none yet or not told), `babel` (is it a neighbor; null: not told), `rtt`
// (ms, if told). Whatever cannot be read is passed over.
boost::json::array mesh_links(std::string_view report, std::span<const Node> nodes);

}  // namespace moenet::controlplane
