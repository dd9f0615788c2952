// Service: what nodes ask (docs/api.yaml: /api/v1/agent/…).

#include "controlplane/answers.h"
#include "controlplane/service_state.h"

namespace moenet::controlplane {

namespace {

using http::PathBindings;
using http::Request;
using http::Response;

bool is_read_or_post(const Request& request) {
  return request.method == "GET" || request.method == "POST" || request.method == "HEAD";
}

}  // namespace

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
    return read(request, [this, node = path.find("node")->second, action = path.find("action")->second](
                             const Request& r) { return agent.act(r, node, action); });
  });
}

}  // namespace moenet::controlplane
