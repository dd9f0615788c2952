// Does somebody accept TCP connections there? Connects to many at once, says nothing and closes.
#pragma once

#include <span>
#include <vector>

#include "base/clock.h"
#include "base/ip.h"
#include "base/result.h"

namespace moenet::net {

// Result i is remote i's. Errors: unavailable (refused, or no route), timeout (no answer before the deadline), denied.
std::vector<Result<void>> reach_tcp(std::span<const Endpoint> remotes, Deadline deadline);

}  // namespace moenet::net
