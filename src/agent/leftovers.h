// What an agent that was killed in the middle of writing left on the disk: temporary files, and BIRD's stage. Whole
// files, links and processes are not its business: the plan sees those.
#pragma once

#include "agent/config.h"

namespace moenet::agent {

// For the agent that holds the node's lock, before it writes. What cannot be removed stays, and hinders nothing.
void remove_leftovers(const AgentConfig& config);

}  // namespace moenet::agent
