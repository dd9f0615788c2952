// Chains of other firewalls on this node that drop what they do not know, in words for an operator (check-config,
// doctor).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace moenet::agent {

// "chain input of table inet filter (input, policy drop)"; empty when there is none. Errors: as net::Ruleset.
Result<std::vector<std::string>> hostile_chains();

// What lets our packets through such chains.
std::string hostile_chains_remedy();

}  // namespace moenet::agent
