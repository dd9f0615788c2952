// Request targets (RFC 9112 section 3.2) taken apart: path, query parameters, percent-decoding (RFC 3986 section 2.1).
// Pure: bytes in, values out, whatever the bytes are.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace moenet::http {

struct Target {
  std::string path;                                        // raw, "/" at least; "*" for the asterisk form
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order; '+' is a space
};

// Of the origin form ("/a?b=c") or the absolute form, whose scheme and authority are dropped. A broken escape in the
// query is kept as it is.
Target parse_target(std::string_view raw);

// Nothing when an escape is broken.
std::optional<std::string> percent_decode(std::string_view text);

// Is it an http or https URL that paths may be appended to: no query, fragment, user or password, and none of the bytes
// that RFC 3986 keeps out of URLs?
bool is_server_url(std::string_view url);

}  // namespace moenet::http
