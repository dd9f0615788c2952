// Service: the control plane as one running thing: HTTP server, routes, workers, and waiting reads. main.cpp and the
// tests start it.
#pragma once

#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/result.h"
#include "controlplane/access.h"
#include "controlplane/store.h"
#include "http/server.h"

namespace moenet::controlplane {

struct ServiceSettings {
  Endpoint listen;
  AccessKeys keys;
  std::function<WallTime()> now = wall_now;
};

class Service {
 public:
  // Listens at once. `store` must outlive the service, which is its change listener. Errors: those of
  // http::HttpServer::start.
  static Result<std::unique_ptr<Service>> start(Store& store, ServiceSettings settings);
  // Requests under way end; waiting reads are dropped.
  ~Service();

  std::uint16_t port() const;
  // Reads that wait for a change now.
  std::size_t waiting_reads() const;

 private:
  struct State;
  explicit Service(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace moenet::controlplane
