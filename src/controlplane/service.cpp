#include "controlplane/service.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <string_view>

#include <boost/json.hpp>

#include "base/log.h"
#include "controlplane/admin_api.h"
#include "controlplane/agent_api.h"
#include "controlplane/answers.h"
#include "controlplane/bootstrap.h"
#include "controlplane/change_feed.h"
#include "controlplane/token.h"
#include "controlplane/version.h"
#include "controlplane/workers.h"
#include "http/router.h"

namespace moenet::controlplane {

namespace {

using http::PathBindings;
using http::Pending;
using http::Request;
using http::Response;

constexpr std::size_t kWorkers = 4;  // chosen: SQLite has one writer; the others read meanwhile
constexpr std::size_t kMostWaitingJobs =
    2'000;  // chosen: 62 nodes never queue so many; beyond it an answer would come too late
constexpr std::size_t kMostWaitingBytes = 32u << 20;  // of request bodies; chosen: half of what may be read at once
constexpr std::chrono::seconds kAnswerTimeout{30};
constexpr std::chrono::seconds kLongestWait{55};        // wire contract B2
constexpr std::string_view kFeatures = "batch-modify";  // wire contract B4

Response overloaded() {
  Response response = Response::text(503, "Service Unavailable");
  response.headers.set("Retry-After", "2");
  return response;
}

// The request with its body, which is moved: the server keeps the rest.
Request taken(Request& request) {
  std::string body = std::exchange(request.body, {});
  Request result = request;
  result.body = std::move(body);
  return result;
}

// What a caller may use to find its request in our log: its own id, when it is harmless, or one of ours.
std::string request_id(const Request& request) {
  const std::string_view own = request.headers.find("X-Request-ID").value_or("");
  const auto is_plain = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-'; };
  return !own.empty() && own.size() <= 64 && std::ranges::all_of(own, is_plain) ? std::string(own) : make_uuid();
}

// Prefer: wait=N (RFC 7240 section 4.3), at most 55 s; 0 when absent, or without a tag to compare with.
std::chrono::seconds wait_of(const Request& request) {
  if (!request.headers.find("If-None-Match")) return std::chrono::seconds(0);
  const std::string_view prefer = request.headers.find("Prefer").value_or("");
  constexpr std::string_view kWait = "wait=";
  const std::size_t at = prefer.find(kWait);
  if (at == std::string_view::npos) return std::chrono::seconds(0);
  long seconds = 0;
  const char* first = prefer.data() + at + kWait.size();
  if (std::from_chars(first, prefer.data() + prefer.size(), seconds).ec != std::errc()) return std::chrono::seconds(0);
  return std::clamp(std::chrono::seconds(seconds), std::chrono::seconds(0), kLongestWait);
}

void finish(const Request& request, Response& response) {
  response.headers.set("X-Request-ID", request_id(request));
  response.headers.set("X-MoeNet-Features", kFeatures);
  response.headers.set("Cache-Control", "no-store");
}

bool is_read_or_post(const Request& request) {
  return request.method == "GET" || request.method == "POST" || request.method == "HEAD";
}

// A read that may wait: shared by its repetitions and the timeout.
struct WaitingRead {
  Request request;
  PathBindings path;
  std::shared_ptr<Pending> pending;
  // The answer when the time is over: 503 until a worker looked, then that nothing changed.
  std::mutex mutex;  // guards `unchanged`: a worker sets it, the server's thread takes it
  std::optional<Response> unchanged;
};

}  // namespace

struct Service::State {
  State(Store& given_store, ServiceSettings settings)
      : store(given_store),
        access(store, std::move(settings.keys)),
        agent(store, access, settings.now),
        admin(store, access, settings.now),
        now(settings.now) {}
  ~State() {
    server.reset();  // no new requests
    workers.stop();  // no more jobs, so nobody commits or waits
    store.set_change_listener({});
  }

  // Runs `work` on a worker, and answers with what it returns.
  http::Answer later(Request& request, std::function<Response(const Request&)> work);
  http::Answer read(Request& request, const PathBindings& path);
  void look(const std::shared_ptr<WaitingRead>& read);
  void add_agent_routes();
  void add_admin_routes();
  void add_public_routes();
  using NodeWork = Response (AdminApi::*)(const Request&, std::string_view) const;
  using PlainWork = Response (AdminApi::*)(const Request&) const;
  void admin_route(std::string_view method, std::string_view path, PlainWork work);
  void admin_route(std::string_view method, std::string_view path, std::string_view variable, NodeWork work);

  Store& store;
  Access access;
  AgentApi agent;
  AdminApi admin;
  std::function<WallTime()> now;
  http::Router router;
  ChangeFeed feed{[this](ChangeFeed::Job job) { workers.submit(std::move(job)); }};
  Workers workers{kWorkers, kMostWaitingJobs, kMostWaitingBytes};
  std::unique_ptr<http::HttpServer> server;  // last: it calls all of the above
};

http::Answer Service::State::later(Request& request, std::function<Response(const Request&)> work) {
  auto pending = std::make_shared<Pending>(kAnswerTimeout, overloaded);
  const std::size_t bytes = request.body.size();
  const bool is_taken = workers.submit(
      [request = taken(request), pending, work = std::move(work)] {
        Response response;
        try {
          response = work(request);
        } catch (const std::exception& bug) {
          log::error("a request ended in an exception",
                     {{"path", request.target}, {"error", std::string_view(bug.what())}});
          response = internal_error();
        }
        pending->answer(std::move(response));
      },
      bytes);
  if (!is_taken) return overloaded();
  return pending;
}

http::Answer Service::State::read(Request& request, const PathBindings& path) {
  const auto wait = wait_of(request);
  auto read = std::make_shared<WaitingRead>();
  read->request = taken(request);
  read->path = path;
  // Weak: the Pending belongs to the read and would else keep it for ever.
  read->pending = std::make_shared<Pending>(
      wait.count() > 0 ? std::chrono::milliseconds(wait) : std::chrono::milliseconds(kAnswerTimeout),
      [weak = std::weak_ptr(read)]() -> Response {
        const auto alive = weak.lock();
        if (!alive) return overloaded();
        const std::lock_guard lock(alive->mutex);
        return alive->unchanged.value_or(overloaded());
      });
  if (!workers.submit([this, read] { look(read); }, read->request.body.size())) return overloaded();
  return read->pending;
}

void Service::State::look(const std::shared_ptr<WaitingRead>& read) {
  if (read->pending->is_answered()) return;
  AgentAnswer answer;
  try {
    answer = agent.act(read->request, read->path.find("node")->second, read->path.find("action")->second);
  } catch (const std::exception& bug) {
    log::error("a request ended in an exception",
               {{"path", read->request.target}, {"error", std::string_view(bug.what())}});
    answer.response = internal_error();
  }
  if (!answer.is_unchanged || wait_of(read->request).count() == 0) {
    read->pending->answer(std::move(answer.response));
    return;
  }
  read->request.body = std::string();  // no read looks at it, and it would be held as long as the read
  {
    const std::lock_guard lock(read->mutex);
    read->unchanged = std::move(answer.response);
  }
  feed.wait(answer.node, answer.changes, read->pending, [this, read] { look(read); });
}

void Service::State::add_agent_routes() {
  router.add("POST", "/api/v1/agent/heartbeat", [this](Request& request, const PathBindings&) -> http::Answer {
    return later(request, [this](const Request& r) { return agent.heartbeat(r); });
  });
  router.add(
      "POST", "/api/v1/agent/{node}/mesh/status", [this](Request& request, const PathBindings& path) -> http::Answer {
        return later(request,
                     [this, node = path.find("node")->second](const Request& r) { return agent.mesh_status(r, node); });
      });
  router.add("*", "/api/v1/agent/{node}/{action}", [this](Request& request, const PathBindings& path) -> http::Answer {
    if (request.method == "OPTIONS") return Response{204, {}, ""};
    if (!is_read_or_post(request)) return plain_not_found();
    return read(request, path);
  });
}

void Service::State::admin_route(std::string_view method, std::string_view path, PlainWork work) {
  router.add(method, path, [this, work](Request& request, const PathBindings&) -> http::Answer {
    return later(request, [this, work](const Request& r) { return (admin.*work)(r); });
  });
}

void Service::State::admin_route(std::string_view method, std::string_view path, std::string_view variable,
                                 NodeWork work) {
  router.add(
      method, path,
      [this, work, variable = std::string(variable)](Request& request, const PathBindings& bound) -> http::Answer {
        return later(request, [this, work, value = bound.find(variable)->second](const Request& r) {
          return (admin.*work)(r, value);
        });
      });
}

void Service::State::add_admin_routes() {
  admin_route("POST", "/api/v1/admin", &AdminApi::legacy);
  admin_route("GET", "/api/v1/admin/nodes", &AdminApi::list_nodes);
  admin_route("POST", "/api/v1/admin/nodes", &AdminApi::add_node);
  admin_route("GET", "/api/v1/admin/nodes/{node}", "node", &AdminApi::show_node);
  admin_route("PATCH", "/api/v1/admin/nodes/{node}", "node", &AdminApi::edit_node);
  admin_route("DELETE", "/api/v1/admin/nodes/{node}", "node", &AdminApi::remove_node);
  admin_route("POST", "/api/v1/admin/nodes/{node}/token", "node", &AdminApi::rotate_token);
  admin_route("POST", "/api/v1/admin/nodes/{node}/bootstrap", "node", &AdminApi::add_bootstrap);
  admin_route("GET", "/api/v1/admin/sessions", &AdminApi::list_sessions);
  admin_route("POST", "/api/v1/admin/sessions", &AdminApi::add_session);
  admin_route("GET", "/api/v1/admin/sessions/{uuid}", "uuid", &AdminApi::show_session);
  admin_route("PATCH", "/api/v1/admin/sessions/{uuid}", "uuid", &AdminApi::edit_session);
  admin_route("DELETE", "/api/v1/admin/sessions/{uuid}", "uuid", &AdminApi::remove_session);
  router.add("POST", "/api/v1/admin/sessions/{uuid}/{move}",
             [this](Request& request, const PathBindings& path) -> http::Answer {
               return later(request, [this, uuid = path.find("uuid")->second, move = path.find("move")->second](
                                         const Request& r) { return admin.move_session(r, uuid, move); });
             });
  admin_route("GET", "/api/v1/admin/settings", &AdminApi::show_settings);
  admin_route("PATCH", "/api/v1/admin/settings", &AdminApi::edit_settings);
}

void Service::State::add_public_routes() {
  router.add("GET", "/health", [](const Request&, const PathBindings&) -> http::Answer {
    return Response::json(200, boost::json::serialize(boost::json::object{{"status", "ok"}, {"version", version()}}));
  });
  router.add("GET", "/bootstrap/{token}", [this](Request& request, const PathBindings& path) -> http::Answer {
    if (request.method != "GET") return plain_not_found();  // HEAD would use the token up and throw the script away
    return later(request, [this, token = path.find("token")->second](const Request&) {
      return redeem_bootstrap(store, token, now());
    });
  });
}

Result<std::unique_ptr<Service>> Service::start(Store& store, ServiceSettings settings) {
  http::ServerSettings server;
  server.listen = settings.listen;
  auto state = std::make_unique<State>(store, std::move(settings));
  State* self = state.get();
  store.set_change_listener([self](NodeId node, std::int64_t changes) { self->feed.changed(node, changes); });
  state->add_public_routes();
  state->add_agent_routes();
  state->add_admin_routes();
  TRY(state->server,
      http::HttpServer::start(server, [self](Request& request) { return self->router.dispatch(request); }, finish));
  return std::unique_ptr<Service>(new Service(std::move(state)));
}

Service::Service(std::unique_ptr<State> state) : state_(std::move(state)) {}
Service::~Service() = default;

std::uint16_t Service::port() const { return state_->server->port(); }
std::size_t Service::waiting_reads() const { return state_->feed.waiting(); }

}  // namespace moenet::controlplane
