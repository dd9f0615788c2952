// Does somebody accept TCP connections there, and how far away? Connects to many at once, says nothing and closes. To
// measure one several times, name it as often.
#pragma once

#include <chrono>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/ip.h"
#include "base/result.h"

namespace moenet::net {

// `interface_index`: through this link; needed for link-local addresses of IPv6, 0: as the routes say. Result i is
// remote i's: the round trip of the handshake as the kernel measured it, or until we learned of it where a handshake
// packet was lost. Errors: unavailable (refused, or no route), timeout (no answer before the deadline), denied.
std::vector<Result<std::chrono::nanoseconds>> reach_tcp(std::span<const Endpoint> remotes, Deadline deadline,
                                                        int interface_index = 0);

}  // namespace moenet::net
