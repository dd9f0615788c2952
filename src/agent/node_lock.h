// The lock that a running agent holds: two controllers on one node would fight.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

#include "base/fd.h"
#include "base/result.h"

namespace moenet::agent {

// Held until the descriptor is closed, by a crash too (flock(2)); of one that ends just now it is waited for. Errors:
// conflict (another agent runs: its pid is named), denied.
Result<UniqueFd> lock_node(const std::string& state_folder);

// The process that holds it, without taking it even for an instant: an agent that starts just then must not be refused.
// Absent when nobody holds it. Errors: denied.
Result<std::optional<pid_t>> lock_holder(const std::string& state_folder);

// The holder of a flock(2) on `file`, "08:01:1311" as the text of /proc/locks (proc(5)) names device and inode. Of
// layered file systems it may name another device than stat(2) does: there the inode decides together with
// `pid_in_file`. Pure.
std::optional<pid_t> find_lock_holder(std::string_view locks, std::string_view file, std::string_view pid_in_file);

}  // namespace moenet::agent
