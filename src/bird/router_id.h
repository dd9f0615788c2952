// BIRD's router id: 32 bits, unique in the network.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/ip.h"

namespace moenet::bird {

// The node's IPv4 address; for a node without, one of its name (FNV-1a), out of 240.0.0.0/4, where no address of a
// router is. Dotted quad.
std::string router_id(std::string_view node_name, const std::optional<IpAddress>& ipv4);

}  // namespace moenet::bird
