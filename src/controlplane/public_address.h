// Which addresses the internet routes, and which lead into somebody's own network: a webhook's URL must not make this
// machine ask its neighbors (server side request forgery). Pure.
#pragma once

#include "base/ip.h"

namespace moenet::controlplane {

// False for what IANA's special-purpose registries (RFC 6890) keep from the internet, DN42's own networks among it, and
// for IPv6 addresses that carry an IPv4 one (6to4, Teredo, NAT64).
bool is_public_address(const IpAddress& address);

}  // namespace moenet::controlplane
