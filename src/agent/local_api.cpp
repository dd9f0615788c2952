#include "agent/local_api.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/secret.h"
#include "http/router.h"

namespace moenet::agent {
namespace {

namespace json = boost::json;
using http::Answer;
using http::Request;
using http::Response;

// A sync with 100 new sessions takes about a second; one with a dead BIRD ends by the reconciler's own deadlines.
constexpr std::chrono::seconds kSyncWait{120};

Response error_response(int status, std::string_view text) {
  return Response::json(status, json::serialize(json::object{{"error", text}}));
}

bool is_from_loopback(const Request& request) {
  auto address = IpAddress::parse(request.peer);
  return address && address->is_loopback();
}

bool has_token(const Request& request, const Secret& token) {
  constexpr std::string_view kScheme = "Bearer ";
  const auto header = request.headers.find("Authorization");
  if (token.empty() || !header || !header->starts_with(kScheme)) return false;
  return equal_in_constant_time(header->substr(kScheme.size()), token.reveal());
}

}  // namespace

Result<std::unique_ptr<http::HttpServer>> serve_local_api(LocalApiWiring wiring) {
  auto api = std::make_shared<LocalApiWiring>(std::move(wiring));
  http::Router router;
  router.add("GET", "/status", [api](const Request& request, const http::PathBindings&) -> Answer {
    if (!has_token(request, api->settings.token) && !is_from_loopback(request))
      return error_response(401, "token required");
    return Response::json(200, api->status());
  });
  const auto sync = [api](const Request& request, const http::PathBindings&) -> Answer {
    if (!has_token(request, api->settings.token)) return error_response(401, "token required");
    if (!api->no_sync_because.empty()) return error_response(503, api->no_sync_because);
    const bool allow = request.parameter("allow_mass_delete") == "1";
    if (request.parameter("wait") != "1") {
      api->request_sync(allow);
      return Response::json(202, json::serialize(json::object{{"started", true}}));
    }
    auto caller = std::make_shared<http::Pending>(kSyncWait, [] {
      return error_response(504, fmt::format("the sync did not end within {} s; see /status", kSyncWait.count()));
    });
    api->waiters.add([&] { return api->request_sync(allow); }, caller);
    return caller;
  };
  router.add("GET", "/sync", sync);
  router.add("POST", "/sync", sync);

  http::ServerSettings settings;
  settings.listen = api->settings.listen;
  settings.body_limit_bytes = 64u << 10;
  settings.most_connections = 256;
  settings.idle_timeout = api->settings.idle_timeout;
  return http::HttpServer::start(settings,
                                 [router = std::move(router)](Request& request) { return router.dispatch(request); });
}

}  // namespace moenet::agent
