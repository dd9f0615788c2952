#include "agent/local_api.h"

#include <charconv>
#include <limits>
#include <optional>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "agent/error_status.h"
#include "agent/kept_text.h"
#include "base/secret.h"
#include "http/failure_limit.h"
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

// A tool is quicker (ToolLimits::patience); then whoever waits is told at least this.
constexpr std::chrono::seconds kToolWait{10};

// Of /events; chosen: 1,000 are about 200 kB.
constexpr std::size_t kEventsAtOnce = 100;
constexpr std::size_t kMostEventsAtOnce = 1'000;

// Of an address and minute; chosen: no person mistypes a token as often. Beyond it no token from there is looked at for
// the rest of the minute, except from this machine: whoever works here is never locked out by who guesses here.
constexpr unsigned kMostRefusedTokens = 60;

// Of /status and /metrics, the only answers that grow with the sessions; 10,000 of them are about 10 MB of text.
constexpr std::size_t kMostAnswerBytes = 64u << 20;

// What the routes share, on the server's thread.
struct Api : LocalApiWiring {
  explicit Api(LocalApiWiring wiring)
      : LocalApiWiring(std::move(wiring)), kept_status(LocalApiWiring::status), kept_metrics(LocalApiWiring::metrics) {}

  KeptText kept_status;
  KeptText kept_metrics;
  http::FailureLimit refused_tokens{kMostRefusedTokens};
};

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

Response error_response(const Error& error) { return error_response(status_of(error.code), error.what); }

// What to tell a caller without the token; nothing when it has it.
std::optional<Response> stranger(Api& api, const Request& request) {
  const WallTime now = wall_now();
  const bool may_try = is_from_loopback(request) || !api.refused_tokens.is_spent(request.peer, now);
  if (may_try && has_token(request, api.settings.token)) return std::nullopt;
  const auto count = api.refused_tokens.failed(request.peer, now);
  Response response = count.exceeded ? error_response(429, "too many refused tokens from this address")
                                     : error_response(401, "token required");
  put_headers(response.headers, count, now);
  return response;
}

// The same; what only tells how things are is open to this machine.
std::optional<Response> onlooker(Api& api, const Request& request) {
  return is_from_loopback(request) ? std::nullopt : stranger(api, request);
}

// Has the caller no business here? Then what to tell it.
std::optional<Response> refusal(Api& api, const Request& request) {
  if (auto refused = stranger(api, request)) return refused;
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
http::Router::Handler asks_node(std::shared_ptr<Api> api,
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

void add_node_routes(http::Router& router, const std::shared_ptr<Api>& api) {
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

// A whole number in the query from `least` to `most`; absent when it is none.
template <class T>
std::optional<T> number_in(const Request& request, std::string_view name, T otherwise, T least, T most) {
  const auto text = request.parameter(name);
  if (!text) return otherwise;
  T number{};
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size() || number < least || number > most)
    return std::nullopt;
  return number;
}

Answer answer_events(Api& api, const Request& request) {
  if (auto refused = stranger(api, request)) return std::move(*refused);
  const auto since = number_in<std::uint64_t>(request, "since", 0, 0, std::numeric_limits<std::uint64_t>::max());
  if (!since) return error_response(422, "since is not a whole number");
  const auto limit = number_in<std::size_t>(request, "limit", kEventsAtOnce, 1, kMostEventsAtOnce);
  if (!limit) return error_response(422, fmt::format("limit is not a number from 1 to {}", kMostEventsAtOnce));
  return Response::json(200, api.events(*since, *limit));
}

void add_look_routes(http::Router& router, const std::shared_ptr<Api>& api) {
  router.add("GET", "/metrics", [api](const Request& request, const http::PathBindings&) -> Answer {
    if (auto refused = onlooker(*api, request)) return std::move(*refused);
    Response response;
    response.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    response.body = api->kept_metrics.read();
    return response;
  });
  router.add("GET", "/events", [api](const Request& request, const http::PathBindings&) -> Answer {
    return answer_events(*api, request);
  });
  router.add("GET", "/sessions/{uuid}", [api](const Request& request, const http::PathBindings& path) -> Answer {
    if (auto refused = stranger(*api, request)) return std::move(*refused);
    auto document = api->session(path.at("uuid"));
    if (!document) return error_response(404, "no such session is known here");
    return Response::json(200, std::move(*document));
  });
}

Answer answer_tool(Api& api, Tool tool, const Request& request) {
  if (auto refused = stranger(api, request)) return std::move(*refused);
  auto question = read_tool_question(tool, request.body);
  if (!question) return error_response(question.error());
  auto caller = std::make_shared<http::Pending>(
      kToolWait, [] { return error_response(504, fmt::format("no answer within {} s", kToolWait.count())); });
  const auto wait = api.ask_tool(std::move(*question), [caller](const Result<std::string>& answer) {
    caller->answer(answer ? Response::json(200, *answer) : error_response(answer.error()));
  });
  if (!wait) return caller;
  Response refused = error_response(429, fmt::format("too many questions; ask again in {} s", wait->count()));
  refused.headers.set("Retry-After", std::to_string(wait->count()));
  return refused;
}

void add_tool_routes(http::Router& router, const std::shared_ptr<Api>& api) {
  for (const Tool tool : kTools) {
    router.add("POST", fmt::format("/{}", name_of(tool)),
               [api, tool](const Request& request, const http::PathBindings&) -> Answer {
                 return answer_tool(*api, tool, request);
               });
  }
}

}  // namespace

Result<std::unique_ptr<http::HttpServer>> serve_local_api(LocalApiWiring wiring) {
  auto api = std::make_shared<Api>(std::move(wiring));
  http::Router router;
  router.add("GET", "/status", [api](const Request& request, const http::PathBindings&) -> Answer {
    if (auto refused = onlooker(*api, request)) return std::move(*refused);
    return Response::json(200, api->kept_status.read());
  });
  add_look_routes(router, api);
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
  add_tool_routes(router, api);

  http::ServerSettings settings;
  settings.listen = api->settings.listen;
  settings.body_limit_bytes = 64u << 10;
  settings.most_answer_bytes_at_once = kMostAnswerBytes;
  settings.most_connections = 256;
  settings.idle_timeout = api->settings.idle_timeout;
  return http::HttpServer::start(settings,
                                 [router = std::move(router)](Request& request) { return router.dispatch(request); });
}

}  // namespace moenet::agent
