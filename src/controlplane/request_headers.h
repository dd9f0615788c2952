// What the service reads in the headers of every request: its id, and how long it may wait.
#pragma once

#include <chrono>
#include <string>

#include "http/message.h"

namespace moenet::controlplane {

// What a caller may use to find its request in our log: its own id, when it is harmless, or one of ours.
std::string request_id(const http::Request& request);
// Prefer: wait=N (RFC 7240 section 4.3), at most 55 s; 0 when absent.
std::chrono::seconds preferred_wait(const http::Request& request);
// The same, of a conditional read: 0 also without a tag to compare with.
std::chrono::seconds wait_of(const http::Request& request);

}  // namespace moenet::controlplane
