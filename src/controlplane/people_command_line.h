// The commands user, token and audit, as part of the command line.
#pragma once

#include <CLI/CLI.hpp>

#include "controlplane/command_line.h"

namespace moenet::controlplane {

// `line.command` becomes the one that was asked for. `line` must outlive the parsing.
void add_people_commands(CLI::App& app, CommandLine& line);

}  // namespace moenet::controlplane
