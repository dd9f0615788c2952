// The socket of a userspace WireGuard daemon: FOLDER/NAME.sock, one operation per connection (wireguard.com/xplatform).
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"

namespace moenet::net {

// Errors: not_found when nobody listens there (no socket, or one that a dead daemon left behind), denied, timeout.
Result<UniqueFd> connect_uapi(const std::string& path, Deadline deadline);

// Sends one operation and returns its whole reply, which may hold keys: the caller wipes it. Errors: unavailable when
// the daemon hangs up first, timeout, internal when the reply is larger than any device's.
Result<std::string> ask_uapi(const std::string& path, std::string_view operation, Deadline deadline);

// Waits until the daemon behind the connection is gone. Errors: timeout.
Result<void> wait_for_hangup(const UniqueFd& connection, Deadline deadline);

}  // namespace moenet::net
