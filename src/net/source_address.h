// Our address on the way to another, as the kernel's routes and its choice of addresses (RFC 6724) have it now.
#pragma once

#include <optional>

#include "base/ip.h"

namespace moenet::net {

// Nothing is sent. Absent: no route leads there, or none from an address.
std::optional<IpAddress> source_towards(const IpAddress& remote);

}  // namespace moenet::net
