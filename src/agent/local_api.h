// The agent's own HTTP API: GET /status, GET or POST /sync, /maintenance, and POST /restart (wire contract A12;
// docs/api.yaml). The bearer token is asked for everything but /status from loopback.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/config.h"
#include "agent/node_request.h"
#include "agent/reconcile_task.h"
#include "agent/session_sync.h"
#include "agent/sync_waiters.h"
#include "base/result.h"
#include "http/server.h"

namespace moenet::agent {

struct LocalApiWiring {
  ApiSettings settings;
  std::function<std::string()> status;  // the document of /status, as JSON text
  std::function<http::Response(const NodeReport&)> sync_result;
  std::function<std::uint64_t(bool allow_mass_delete)> request_sync;
  SyncWaiters& waiters;
  std::function<std::string()> maintenance;  // the document of /maintenance, as JSON text
  std::function<void(NodeRequest)> request;  // its answer comes on another thread
  std::string no_sync_because = {};          // empty when there can be one, and other requests to the node as well
};

// Serves until the returned object dies. Errors: those of HttpServer::start.
Result<std::unique_ptr<http::HttpServer>> serve_local_api(LocalApiWiring wiring);

}  // namespace moenet::agent
