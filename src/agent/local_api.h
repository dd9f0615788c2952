// The agent's own HTTP API: GET /status, /metrics, /events and /sessions/<uuid>, GET or POST /sync, /maintenance, POST
// /restart and the tools, /ping and the like (wire contract A12; docs/api.yaml). The bearer token is asked for
// everything but /status and /metrics from loopback.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/config.h"
#include "agent/node_request.h"
#include "agent/reconcile_task.h"
#include "agent/session_sync.h"
#include "agent/sync_waiters.h"
#include "agent/tools.h"
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
  std::function<std::string()> metrics;      // in Prometheus' text format
  std::function<std::string(std::uint64_t since, std::size_t limit)> events;  // the document of /events
  std::function<std::optional<std::string>(std::string_view uuid)> session;   // of /sessions/<uuid>; absent: unknown
  // As Tools::ask.
  std::function<std::optional<std::chrono::seconds>(ToolQuestion, Tools::Done)> ask_tool;
  std::string no_sync_because = {};  // empty when there can be one, and other requests to the node as well
};

// Serves until the returned object dies. Errors: those of HttpServer::start.
Result<std::unique_ptr<http::HttpServer>> serve_local_api(LocalApiWiring wiring);

}  // namespace moenet::agent
