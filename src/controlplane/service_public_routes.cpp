// Service: what is asked without being anybody: is it up, metrics, and the way of a new node.

#include <string>
#include <utility>

#include <boost/json.hpp>

#include "controlplane/metrics.h"
#include "controlplane/service_state.h"
#include "controlplane/version.h"

namespace moenet::controlplane {

namespace {

using http::PathBindings;
using http::Request;
using http::Response;

}  // namespace

Response Service::State::metrics(const Request& request) {
  if (auto admitted = access.metrics(request, now()); !admitted) return admitted.error();
  MetricsSource source{
      version(), now(), counts.snapshot(), feed.waiting(), workers.queue(), {}, webhooks.counters(), {},
      {},        {},    queries.counts()};
  if (auto nodes = store.nodes()) source.nodes = std::move(*nodes);
  if (auto sessions = store.session_counts()) source.sessions = std::move(*sessions);
  if (const auto waiting = store.waiting_deliveries()) source.waiting_deliveries = *waiting;
  source.store = store.counters();
  Response response{200, {}, metrics_text(source)};
  response.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  return response;
}

void Service::State::add_public_routes() {
  router.add("GET", "/metrics", [this](Request& request, const PathBindings&) -> http::Answer {
    return later(request, [this](const Request& r) { return metrics(r); });
  });
  router.add("GET", "/health", [](const Request&, const PathBindings&) -> http::Answer {
    return Response::json(200, boost::json::serialize(boost::json::object{{"status", "ok"}, {"version", version()}}));
  });
  router.add("GET", "/ready", [this](const Request&, const PathBindings&) { return readiness.ask(); });
  router.add("GET", "/bootstrap/{token}", [this](Request& request, const PathBindings& path) -> http::Answer {
    return later(request, [this, token = path.find("token")->second](const Request& r) {
      return give_script(store, bootstrap, token, now(), r.parameter("dry-run") == "1");
    });
  });
  router.add("POST", "/bootstrap/{token}", [this](Request& request, const PathBindings& path) -> http::Answer {
    return later(request, [this, token = path.find("token")->second](const Request& r) {
      return claim_node(store, token, r.body, r.peer, now());
    });
  });
  router.add("GET", "/bootstrap/{token}/moenet.deb",
             [this](Request& request, const PathBindings& path) -> http::Answer {
               return later(request, [this, token = path.find("token")->second](const Request& r) {
                 return give_package(store, bootstrap, token, r.parameter("sha256").value_or(""), now());
               });
             });
}

}  // namespace moenet::controlplane
