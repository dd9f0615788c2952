// The lock that a running agent holds: two controllers on one node would fight.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace moenet::agent {

// Held until the descriptor is closed, by a crash too (flock(2)). Errors: conflict (another agent runs: its pid is
// named), denied.
Result<UniqueFd> lock_node(const std::string& state_folder);

}  // namespace moenet::agent
