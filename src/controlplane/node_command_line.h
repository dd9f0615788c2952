// The commands about nodes: `node`.
#pragma once

#include <CLI/CLI.hpp>

#include "controlplane/command_line.h"

namespace moenet::controlplane {

// Adds them to `app`; one that is given becomes `line.command`, so `line` must outlive the parsing.
void add_node_commands(CLI::App& app, CommandLine& line);

}  // namespace moenet::controlplane
