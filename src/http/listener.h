// Listening TCP sockets, and addresses between the kernel's form and ours.
#pragma once

#include <cstdint>
#include <string>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/ip.h"
#include "base/result.h"

namespace moenet::http {

// A non-blocking socket that listens; [::] takes IPv4 too. Errors: conflict (the port is taken), denied, invalid.
Result<UniqueFd> listen_on(const Endpoint& endpoint);

std::uint16_t local_port(int socket);

// The address without its port; an IPv4 caller of a dual-stack socket by its IPv4 address.
std::string peer_text(const sockaddr* address);

}  // namespace moenet::http
