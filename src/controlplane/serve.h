// The commands serve and check-config: from the configuration to a running Service, until a signal ends it.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "controlplane/command_line.h"

namespace moenet::controlplane {

// The program's exit status: 0 after SIGTERM or SIGINT, 78 (EX_CONFIG) when it cannot start until somebody mends what
// it was given, 1 when it cannot start now (the address is in use, the disk is full). SIGHUP has it read its
// configuration again.
int run_server(const CommandLine& line, const ServeCommand& command);

// 0, or 78 with each fault on a line of its own. Reads what the configuration names, and opens no database.
int check_config(const CommandLine& line, const ServeCommand& command);

// The token of STATE-DIR/admin-token; at the first start it is made, mode 0600, and printed once, but not into the
// journal.
Result<Secret> admin_token_of(const std::string& state_dir);

// Has each of these counts moved? Then every part of the server works.
bool all_moved(const std::vector<std::uint64_t>& before, const std::vector<std::uint64_t>& now);

}  // namespace moenet::controlplane
