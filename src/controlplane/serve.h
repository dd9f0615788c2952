// The command serve: from the command line to a running Service, until a signal ends it.
#pragma once

#include "base/result.h"
#include "base/secret.h"
#include "controlplane/command_line.h"

namespace moenet::controlplane {

// The program's exit status: 0 after SIGTERM or SIGINT, 78 (EX_CONFIG) when it cannot start until somebody mends what
// it was given, 1 when it cannot start now (the address is in use, the disk is full).
int run_server(const CommandLine& line, const ServeCommand& command);

// The token of STATE-DIR/admin-token; at the first start it is made, mode 0600, and printed once, but not into the
// journal.
Result<Secret> admin_token_of(const std::string& state_dir);

}  // namespace moenet::controlplane
