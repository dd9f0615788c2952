// The system calls that the agent and the tunnel daemons which it starts may make (decision 0016). Another one fails
// with ENOSYS, as on a kernel that has none, and the kernel's log names program and number; nothing is killed for it.
#pragma once

#include "base/result.h"

namespace moenet::agent {

// For this process, all its threads to come and whatever it starts, for good. Errors: unavailable (this kernel takes no
// such filter), internal.
Result<void> allow_needed_system_calls();

}  // namespace moenet::agent
