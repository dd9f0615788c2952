#include "agent/local_api.h"

#include <optional>

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

// A request to the node waits for the step under way, a restart for one more.
constexpr std::chrono::seconds kRequestWait{120};

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

int status_of(Errc code) {
  switch (code) {
    case Errc::invalid: return 422;
    case Errc::not_found: return 404;
    case Errc::conflict: return 409;
    case Errc::denied: return 403;
    case Errc::unavailable:
    case Errc::cancelled: return 503;
    case Errc::timeout: return 504;
    case Errc::internal: break;
  }
  return 500;
}

Response error_response(const Error& error) { return error_response(status_of(error.code), error.what); }

// Has the caller no business here? Then what to tell it.
std::optional<Response> refusal(const LocalApiWiring& api, const Request& request) {
  if (!has_token(request, api.settings.token)) return error_response(401, "token required");
  if (!api.no_sync_because.empty()) return error_response(503, api.no_sync_because);
  return std::nullopt;
}

// `done`: the document that tells of success.
Answer ask_node(const LocalApiWiring& api, decltype(NodeRequest::what) what, std::function<std::string()> done) {
  auto caller = std::make_shared<http::Pending>(kRequestWait, [] {
    return error_response(504, fmt::format("not done within {} s; see /status", kRequestWait.count()));
  });
  api.request({std::move(what), [caller, done = std::move(done)](const Result<void>& outcome) {
                 caller->answer(outcome ? Response::json(200, done()) : error_response(outcome.error()));
               }});
  return caller;
}

// What the body of a request says, or why it says nothing.
template <class T, Result<T> (*Read)(std::string_view)>
http::Router::Handler asks_node(std::shared_ptr<const LocalApiWiring> api,
                                std::function<std::string(const LocalApiWiring&, const T&)> done) {
  return [api, done](const Request& request, const http::PathBindings&) -> Answer {
    if (auto refused = refusal(*api, request)) return std::move(*refused);
    auto what = Read(request.body);
    if (!what) return error_response(what.error());
    return ask_node(*api, *what, [api, done, what = *what] { return done(*api, what); });
  };
}

Result<StartMaintenance> read_start(std::string_view body) {
  TRY(auto options, read_maintenance_options(body));
  return StartMaintenance{std::move(options)};
}
Result<StopMaintenance> read_stop(std::string_view) { return StopMaintenance{}; }

void add_node_routes(http::Router& router, const std::shared_ptr<const LocalApiWiring>& api) {
  router.add("GET", "/maintenance", [api](const Request& request, const http::PathBindings&) -> Answer {
    if (auto refused = refusal(*api, request)) return std::move(*refused);
    return Response::json(200, api->maintenance());
  });
  router.add("POST", "/maintenance/start",
             asks_node<StartMaintenance, read_start>(
                 api, [](const auto& wiring, const auto&) { return wiring.maintenance(); }));
  router.add(
      "POST", "/maintenance/stop",
      asks_node<StopMaintenance, read_stop>(api, [](const auto& wiring, const auto&) { return wiring.maintenance(); }));
  router.add(
      "POST", "/restart", asks_node<RestartSession, read_restart>(api, [](const auto&, const RestartSession& restart) {
        return json::serialize(json::object{{"restarted", restart.name}, {"wg", restart.tunnel}, {"bgp", restart.bgp}});
      }));
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
    if (auto refused = refusal(*api, request)) return std::move(*refused);
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
  add_node_routes(router, api);

  http::ServerSettings settings;
  settings.listen = api->settings.listen;
  settings.body_limit_bytes = 64u << 10;
  settings.most_connections = 256;
  settings.idle_timeout = api->settings.idle_timeout;
  return http::HttpServer::start(settings,
                                 [router = std::move(router)](Request& request) { return router.dispatch(request); });
}

}  // namespace moenet::agent
