// The commands node and peer: calls of the admin API, shown as tables or as JSON.
#pragma once

#include "controlplane/command_line.h"

namespace moenet::controlplane {

// The program's exit status: 0, or 1 with one line on stderr that says what to do.
int run_command(const CommandLine& line, const ApiCommand& command);

}  // namespace moenet::controlplane
