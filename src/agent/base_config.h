// The whole bird.conf of a node whose BIRD this agent owns (config `bird.ownership: "full"`): its text, and whether the
// file says it. Putting it in place is bird::BirdTransaction's, together with the peer files. A bird.conf that the
// agent did not write is never overwritten.
#pragma once

#include <string>

#include "agent/config.h"
#include "base/result.h"

namespace moenet::agent {

// Does the file at `path` hold `text`? False when there is none. Errors: conflict (it is somebody else's: the text says
// what to do), denied.
Result<bool> is_base_config_current(const std::string& path, const std::string& text);

}  // namespace moenet::agent
