// Work that may end the process it runs in, done in a child. For libraries that call exit() or crash on what they find;
// nothing they allocate or leak stays with us either.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace moenet::net {

// All that a child may answer (chosen: a listing of all ports and 10,000 names is 1 MB).
inline constexpr std::size_t kIsolatedAnswerBytesMax = 64u << 20;

// Forks, calls `work` in the child, in the namespaces of the calling thread, and gives what it returns. The child has
// this one thread and no descriptor but 0 to 2; it must not touch what other threads may have locked (our log, the
// resolver; malloc and stdio are made usable again by fork() of glibc), and it dies with the calling thread. Errors:
// those of `work`; unavailable (no process, the child crashed or called exit(), an answer too long); timeout (it was
// killed).
Result<std::string> run_isolated(const std::function<Result<std::string>()>& work, Deadline deadline);

}  // namespace moenet::net
