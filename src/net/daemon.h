// Starting programs that put themselves into the background and live on without us: a userspace WireGuard per device.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace moenet::net {

// Runs `PROGRAM ARGUMENT` once per argument, all at the same time, and waits for each process to end with status 0,
// which by custom it does when its daemon is ready. Result i is argument i's. The processes get their own session, the
// folder /, default signals, /dev/null for stdin and stdout, no other descriptor of ours, and an environment of PATH
// and WG_SUDO alone (which keeps boringtun from giving up the rights it needs); a daemon that keeps its stderr writes
// to nowhere later. Errors: not_found (no such program), denied, unavailable with the end of its stderr (it failed),
// timeout (it was killed).
std::vector<Result<void>> start_daemons(const std::string& program, const std::vector<std::string>& arguments,
                                        Deadline deadline);

// Kills what start_daemons() left running for this argument in this network namespace, however it hangs: processes
// whose whole command line is `PROGRAM ARGUMENT`.
void kill_daemons(const std::string& program, const std::string& argument);

// The end of what a program wrote, on one line of printable characters: what it said last is what made it fail.
std::string stderr_tail(std::string_view text);

}  // namespace moenet::net
