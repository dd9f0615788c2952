// Service: the control plane as one running thing: HTTP server, routes, workers, and waiting reads. main.cpp and the
// tests start it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "controlplane/access.h"
#include "controlplane/auth_api.h"
#include "controlplane/bootstrap.h"
#include "controlplane/messages.h"
#include "controlplane/queries.h"
#include "controlplane/server_config.h"
#include "controlplane/store.h"
#include "controlplane/webhooks.h"
#include "http/server.h"

namespace moenet::controlplane {

struct ServiceSettings {
  std::vector<ListenAddress> listen;
  std::shared_ptr<const http::TlsIdentity> tls;  // needed by an address that has TLS
  http::ProxyTrust proxies;
  unsigned most_connections = 4'096;
  unsigned most_connections_per_address = 0;  // 0: no limit
  std::size_t workers = 4;
  AccessKeys keys;
  BootstrapSettings bootstrap;
  AuthSettings auth;
  std::function<WallTime()> now = wall_now;
  WebhookSettings webhooks = {};
  Messages* others = nullptr;  // the control planes on the same database
  QueryLimits queries = {};
};

class Service {
 public:
  // Listens at once. `store` must outlive the service, which is its change listener. Errors: those of
  // http::HttpServer::start.
  static Result<std::unique_ptr<Service>> start(Store& store, ServiceSettings settings);
  // Requests under way end; waiting reads are dropped, unless finish() was called before.
  ~Service();

  std::uint16_t port() const;  // of the first address
  std::vector<std::uint16_t> ports() const;
  // "GET /api/v1/nodes/{node}", in the order in which they are tried; the page's are not among them.
  std::vector<std::string> routes() const;
  // Reads that wait for a change now.
  std::size_t waiting_reads() const;

  // What may change while it runs. `tls` null: as before.
  void refresh(std::shared_ptr<const http::TlsIdentity> tls, http::ProxyTrust proxies);
  // /ready says no from now on; everything else goes on.
  void announce_stop();
  // Accepts no more, answers waiting reads at once with what they know, and lets the other requests end: true when all
  // have, false when the deadline came first.
  bool finish(Deadline deadline);

  // One number for each server's thread and one for the workers, which rise as they work. `pulse` gives idle ones
  // something to do.
  std::vector<std::uint64_t> progress() const;
  void pulse();

 private:
  struct State;
  explicit Service(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace moenet::controlplane
