#include "controlplane/answers.h"

#include <boost/json.hpp>

#include "base/log.h"

namespace moenet::controlplane {

namespace {

namespace json = boost::json;

// RFC 9110 section 15.
std::string_view title_of(int status) {
  switch (status) {
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 409: return "Conflict";
    case 412: return "Precondition Failed";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "Error";
  }
}

int status_of(const Refusal& refusal) {
  switch (refusal.error.code) {
    case Errc::invalid: return 422;
    case Errc::conflict:
      if (refusal.field == "version") return 412;  // what If-Match named (RFC 9110 section 13.1.1)
      return refusal.field.empty() || refusal.field == "status" ? 409 : 422;
    case Errc::not_found: return 404;
    case Errc::denied: return 403;
    case Errc::unavailable:
    case Errc::timeout:
    case Errc::cancelled:
    case Errc::internal: return 503;
  }
  return 503;
}

}  // namespace

http::Response success(const json::value& data) {
  // Put together as text: the data may be megabytes, and a copy into an object would double them.
  return http::Response::json(200, R"({"code":0,"message":"Success","data":)" + json::serialize(data) + "}");
}

http::Response envelope_error(int status, std::string_view message) {
  return http::Response::json(status, json::serialize(json::object{{"code", status}, {"message", message}}));
}

http::Response internal_error() { return http::Response::text(500, "Internal Server Error"); }
http::Response plain_not_found() { return http::Response::text(404, "404 Not Found"); }

http::Response problem(int status, std::string_view detail, std::string_view field, std::string_view hint) {
  json::object body{{"type", "about:blank"}, {"title", title_of(status)}, {"status", status}, {"detail", detail}};
  if (!field.empty()) body["field"] = field;
  if (!hint.empty()) body["hint"] = hint;
  http::Response response = http::Response::json(status, json::serialize(body));
  response.headers.set("Content-Type", "application/problem+json");
  return response;
}

http::Response problem(const Refusal& refusal) {
  const int status = status_of(refusal);
  if (status != 503) return problem(status, refusal.error.what, refusal.field, refusal.hint);
  // The database's words are for the operator of this machine, not for the network.
  log::error("request failed", {{"error", refusal.error.what}});
  return problem(503, "the database is not available; see the log of moenet-controlplane");
}

}  // namespace moenet::controlplane
