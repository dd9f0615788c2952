// Where a request's body ends, when whoever stands before us may see it otherwise (RFC 9112 section 6.3, "request
// smuggling"): the library takes the first of two lengths, and whichever of a length and chunks it likes.
#pragma once

#include <optional>
#include <string_view>

#include "http/message.h"

namespace moenet::http {

// Why nobody may say where the body ends, or whom the request is for; nothing when all agree. `version` is that of the
// request line, "HTTP/1.1".
std::optional<std::string_view> framing_fault(const Headers& headers, std::string_view version);

}  // namespace moenet::http
