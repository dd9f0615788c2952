// Starting a program beside us: no shell, a session and process group of its own, the folder /, default signals, and of
// ours no descriptor and no environment but what is named. What becomes of it is the caller's business.
#pragma once

#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace moenet {

struct SpawnPlan {
  const std::vector<std::string>& words;  // the program, looked up in PATH, and its arguments
  std::string_view default_path;          // of the program's PATH where we have none
  std::string environment;                // the one variable beside PATH: "NAME=value"
  int input = -1;                         // descriptors for its stdin, stdout and stderr; -1: /dev/null
  int output = -1;
  int errors = -1;
};

struct SpawnedProgram {
  pid_t pid = -1;
  UniqueFd ended;  // a pidfd, readable when it ended
};

// Errors: not_found (no such program), else of the system, which say "`action`: …".
Result<SpawnedProgram> spawn_program(const SpawnPlan& plan, const std::string& action);

}  // namespace moenet
