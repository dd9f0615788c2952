// What the APIs for people share: who may; bodies and conditions in, answers out.
#pragma once

#include <functional>
#include <string_view>

#include <boost/json/fwd.hpp>

#include "base/clock.h"
#include "controlplane/access.h"
#include "controlplane/refusal.h"
#include "controlplane/store.h"
#include "http/message.h"

namespace moenet::controlplane {

// An empty body is an empty object. Refusals: invalid.
Checked<boost::json::value> json_body(const http::Request& request);
// A member that is text; "" for any other.
std::string_view text_member(const boost::json::value& body, std::string_view key);
http::Response json_answer(int status, const boost::json::value& body);
// Was it asked below /api/v1/admin, the older spelling of the same paths? It is for admins only, its lists are whole
// unless ?limit= is given, and its ETags name nothing but the version.
bool is_older_spelling(const http::Request& request);
// With the ETag of what people edit: it names the row's version, which what nodes tell does not change, and behind a
// "-" the body, which that does change. A GET whose If-None-Match has it is answered 304.
http::Response versioned_answer(const http::Request& request, int status, const boost::json::value& body,
                                std::int64_t version);
// If-Match (RFC 9110 section 13.1.1): the version that the caller has seen; nothing when there is no such header, or
// "*". A tag that is none of ours, or weak, is a version that no row has. Refusals: invalid, several tags.
Checked<ExpectedVersion> expected_version(const http::Request& request);
// With a strong ETag of the body; 304 where the caller has it already.
http::Response conditional_answer(const http::Request& request, http::Response response);
// What `work` answers, or refuses, to whoever has the role `least` or more; problem details to anybody else: 401 to
// nobody (of the older spelling 403), 403 to those who may less.
using PeopleWork = std::function<Checked<http::Response>(const Caller& caller)>;
http::Response answer_people(Access& access, const http::Request& request, WallTime now, Role least,
                             const PeopleWork& work);

}  // namespace moenet::controlplane

// CHECKED_TRY(auto value, expression): as TRY of base/result.h, for functions that return Checked<T>.
#define CHECKED_TRY(declaration, ...) CHECKED_TRY_IMPL(MOENET_TRY_CONCAT(checked_, __LINE__), declaration, __VA_ARGS__)
#define CHECKED_TRY_IMPL(tmp, declaration, ...)                                              \
  auto tmp = (__VA_ARGS__);                                                                  \
  if (!tmp) return std::unexpected<::moenet::controlplane::Refusal>(std::move(tmp).error()); \
  declaration = std::move(*tmp)
