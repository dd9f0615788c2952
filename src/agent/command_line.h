// The command line: what each command is called, what it takes, and who does it.
#pragma once

#include <functional>
#include <string>

#include "base/log.h"

namespace moenet::agent {

// Runs the agent until it is told to stop. `config_path`: empty for the usual places. The exit status.
using RunAgent = std::function<int(const std::string& config_path, log::Level level)>;

// The exit status. Without a command it is `run`.
int run_command_line(int argc, char** argv, const RunAgent& run_agent);

}  // namespace moenet::agent
