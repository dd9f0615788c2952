// Answers: the forms that responses take. The agent API speaks envelopes (wire contract A1), the admin API plain JSON
// and RFC 9457 problem details.
#pragma once

#include <string>
#include <string_view>

#include <boost/json/fwd.hpp>

#include "controlplane/refusal.h"
#include "http/message.h"

namespace moenet::controlplane {

// {"code":0,"message":"Success","data":…}
http::Response success(const boost::json::value& data);
// {"code":422,"message":…}, which is also the HTTP status.
http::Response envelope_error(int status, std::string_view message);
// What deployed control planes answer to bodies that are not what they should be, and when the database is away.
http::Response internal_error();   // 500 text/plain "Internal Server Error"
http::Response plain_not_found();  // 404 text/plain "404 Not Found"

// application/problem+json. `field` names the member at fault, when it is one; `hint` is the way out.
http::Response problem(int status, std::string_view detail, std::string_view field = {}, std::string_view hint = {});
// invalid and a taken field: 422; a version that is not the row's: 412; other conflicts: 409; not_found: 404; denied:
// 403; the rest: 503.
http::Response problem(const Refusal& refusal);

}  // namespace moenet::controlplane
