// The commands' side of the agent's own API: asks the running agent.
#pragma once

#include <string>

#include "agent/config.h"
#include "base/result.h"

namespace moenet::agent {

// The document at `path` ("/status", "/sync?wait=1"). Errors: unavailable (no agent runs, or it listens elsewhere),
// denied; invalid, not_found, conflict with the agent's words, as it answered.
Result<std::string> ask_running_agent(const ApiSettings& api, const std::string& path, std::chrono::seconds timeout);

// The same, with POST and a body of JSON.
Result<std::string> tell_running_agent(const ApiSettings& api, const std::string& path, std::string body,
                                       std::chrono::seconds timeout);

}  // namespace moenet::agent
