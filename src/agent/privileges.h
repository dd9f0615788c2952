// What the agent may do: a few capabilities, whoever started it with however many, and nothing that the programs which
// it starts could get back. Which system calls it may make is agent/system_calls'.
#pragma once

#include "base/result.h"

namespace moenet::agent {

// Keeps, of what the process has, CAP_NET_ADMIN, CAP_NET_RAW and CAP_NET_BIND_SERVICE; as root also what reaches files
// of others, for BIRD's are not root's. All else leaves the permitted, effective, inheritable and bounding sets, and no
// program can raise them again (no_new_privs). Programs that are started inherit what a tunnel daemon needs. For the
// only thread. Errors: internal.
Result<void> drop_privileges();

}  // namespace moenet::agent
