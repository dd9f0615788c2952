// The commands backup, restore and copy: they work on databases themselves, not on a running control plane.
#pragma once

#include "base/result.h"
#include "controlplane/command_line.h"
#include "controlplane/database_name.h"

namespace moenet::controlplane {

// The one that --db or --db-file names, else the configuration's. Errors: denied (a password on the command line),
// invalid, those of read_secret_file.
Result<DatabaseName> database_of(const CommandLine& line, const DatabaseOptions& options);

// The program's exit status: 0, or 1 with the reason on stderr; then nothing has changed.
int run_database_command(const CommandLine& line, const DatabaseCommand& command);

}  // namespace moenet::controlplane
