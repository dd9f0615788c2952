// Lists in parts, and reads that were read before: what every list of the API for people has in common.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/fwd.hpp>

#include "controlplane/refusal.h"
#include "http/message.h"

namespace moenet::controlplane {

// ?limit= (100, at most 500) and ?after=, the `next` of the part before.
struct PartOfList {
  std::size_t limit = 100;
  std::optional<std::string> after;
};
// Refusals: invalid (limit).
Checked<PartOfList> part_of_list(const http::Request& request);

// 200, or 304 when If-None-Match names its strong ETag (RFC 9110 section 13.1.2).
http::Response read_answer(const http::Request& request, const boost::json::value& body);
// Does If-Match, when there is one, allow a change of what is `body` now? Refusals: conflict with field "version",
// which is answered with 412.
Checked<void> check_if_match(const http::Request& request, const boost::json::value& body);

}  // namespace moenet::controlplane
