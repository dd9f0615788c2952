#include "controlplane/service.h"

#include <string>
#include <string_view>
#include <utility>

#include "controlplane/request_headers.h"
#include "controlplane/service_state.h"
#include "controlplane/web_page.h"

namespace moenet::controlplane {

namespace {

using http::Request;
using http::Response;

constexpr std::size_t kMostWaitingJobs =
    2'000;  // chosen: two for each of 999 nodes; beyond it an answer would come too late
constexpr std::size_t kMostWaitingBytes = 32u << 20;  // of request bodies; chosen: half of what may be read at once
constexpr std::string_view kFeatures = "batch-modify, queries";  // wire contract B4; decisions/0015

void put_common_headers(const Request& request, Response& response) {
  response.headers.set("X-Request-ID", request_id(request));
  response.headers.set("X-MoeNet-Features", kFeatures);
  if (!response.headers.find("Cache-Control")) response.headers.set("Cache-Control", "no-store");
}

// Challenges name the place that they are good for, whatever is known of it.
AuthSettings with_url(AuthSettings settings, const ListenAddress& listen) {
  if (settings.public_url.empty())
    settings.public_url = listen.has_tls ? listen.text() : "http://" + listen.endpoint.text();
  return settings;
}

}  // namespace

Service::State::State(Store& given_store, ServiceSettings settings)
    : store(given_store),
      access(store, std::move(settings.keys), settings.auth.public_url),
      agent(store, access, settings.now),
      admin(store, access, settings.now, settings.bootstrap.public_url, settings.auth.registry),
      bootstrap(std::move(settings.bootstrap)),
      auth(store, access, with_url(settings.auth, settings.listen.front()), settings.now),
      people(store, access, settings.now),
      series(store, access, settings.now),
      now(settings.now),
      webhooks(store, settings.webhooks, settings.now),
      tidying(store, settings.now),
      others(settings.others),
      query_limits(settings.queries),
      workers(settings.workers, kMostWaitingJobs, kMostWaitingBytes) {}

Service::State::~State() {
  servers.clear();  // no new requests
  workers.stop();   // no more jobs, so nobody commits or waits
  store.set_change_listener({});
}

Result<std::unique_ptr<Service>> Service::start(Store& store, ServiceSettings settings) {
  http::ServerSettings server;
  server.proxies = settings.proxies;
  server.most_connections = settings.most_connections;
  server.most_connections_per_address = settings.most_connections_per_address;
  const auto listen = settings.listen;
  const auto tls = settings.tls;
  auto state = std::make_unique<State>(store, std::move(settings));
  State* self = state.get();
  store.set_change_listener([self](NodeId node, std::int64_t changes) {
    self->feed.changed(node, changes);
    self->webhooks.wake();  // a session may have moved
  });
  state->add_public_routes();
  state->queries.add_routes(state->router);  // before the actions of nodes, which have any name
  state->add_agent_routes();
  state->add_admin_routes();
  state->add_people_routes();
  for (const ListenAddress& address : listen) {
    server.listen = address.endpoint;
    server.tls = address.has_tls ? tls : nullptr;
    TRY(auto started, http::HttpServer::start(
                          server,
                          [self](Request& request) -> http::Answer {
                            if (auto page = web_answer(web_files(), request)) return std::move(*page);
                            return self->router.dispatch(request);
                          },
                          [self](const Request& request, Response& response) {
                            self->counts.answered(request.target, response.status);
                            put_common_headers(request, response);
                          }));
    state->servers.push_back(std::move(started));
    state->has_tls.push_back(address.has_tls);
  }
  return std::unique_ptr<Service>(new Service(std::move(state)));
}

Service::Service(std::unique_ptr<State> state) : state_(std::move(state)) {}
Service::~Service() = default;

std::uint16_t Service::port() const { return state_->servers.front()->port(); }
std::vector<std::string> Service::routes() const { return state_->router.routes(); }
std::size_t Service::waiting_reads() const { return state_->feed.waiting(); }

std::vector<std::uint16_t> Service::ports() const {
  std::vector<std::uint16_t> ports;
  for (const auto& server : state_->servers) ports.push_back(server->port());
  return ports;
}

void Service::refresh(std::shared_ptr<const http::TlsIdentity> tls, http::ProxyTrust proxies) {
  for (std::size_t i = 0; i < state_->servers.size(); ++i) {
    if (tls && state_->has_tls[i]) state_->servers[i]->show(tls);
    state_->servers[i]->trust(proxies);
  }
}

void Service::announce_stop() { state_->readiness.stop(); }

bool Service::finish(Deadline deadline) {
  announce_stop();
  for (const auto& server : state_->servers) server->stop_accepting();
  state_->queries.stop();
  state_->feed.stop();  // after it: an answer now ends its connection, and no caller comes back on it
  bool have_all = true;
  for (const auto& server : state_->servers) have_all = server->finish_requests(deadline) && have_all;
  return have_all;
}

std::vector<std::uint64_t> Service::progress() const {
  std::vector<std::uint64_t> counts{state_->workers.finished()};
  for (const auto& server : state_->servers) counts.push_back(server->progress());
  return counts;
}

void Service::pulse() {
  state_->workers.submit([] {});
  for (const auto& server : state_->servers) server->pulse();
}

}  // namespace moenet::controlplane
