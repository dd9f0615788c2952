// Running another program to its end, for answers that are its own: no shell, and nothing of ours reaches it but what
// is given. Programs that live on are net/daemon's.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace moenet {

struct ProgramEnd {
  int status = 0;      // of exit(2); 128 + N after signal N, as shells have it
  std::string output;  // its stdout
};

// `words` are the program, looked up in PATH, and its arguments. It reads `input`, has a session and process group of
// its own, the folder /, default signals, an environment of PATH and LC_ALL=C alone, its stderr goes nowhere. When it
// ends, or when time is over, whatever it left running in its group is killed. Errors: not_found (no such program),
// denied, timeout, invalid (it wrote more than `most_output`), unavailable (no process or memory to be had).
Result<ProgramEnd> run_program(const std::vector<std::string>& words, std::string_view input, std::size_t most_output,
                               Deadline deadline);

}  // namespace moenet
