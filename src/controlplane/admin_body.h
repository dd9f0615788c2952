// What the admin API's two source files share: bodies in, answers out.
#pragma once

#include <boost/json/fwd.hpp>

#include "controlplane/refusal.h"
#include "http/message.h"

namespace moenet::controlplane {

// An empty body is an empty object. Refusals: invalid.
Checked<boost::json::value> json_body(const http::Request& request);
http::Response json_answer(int status, const boost::json::value& body);

}  // namespace moenet::controlplane

// CHECKED_TRY(auto value, expression): as TRY of base/result.h, for functions that return Checked<T>.
#define CHECKED_TRY(declaration, ...) CHECKED_TRY_IMPL(MOENET_TRY_CONCAT(checked_, __LINE__), declaration, __VA_ARGS__)
#define CHECKED_TRY_IMPL(tmp, declaration, ...)                                              \
  auto tmp = (__VA_ARGS__);                                                                  \
  if (!tmp) return std::unexpected<::moenet::controlplane::Refusal>(std::move(tmp).error()); \
  declaration = std::move(*tmp)
