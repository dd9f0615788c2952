// AgentApi: what nodes ask and tell (wire contract A2, B2 to B5), on top of a Store. Synchronous; the service runs it
// on its workers. The order of checks is the contract's: token, node, action.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/json/fwd.hpp>

#include "base/clock.h"
#include "controlplane/access.h"
#include "controlplane/store.h"
#include "http/message.h"

namespace moenet::controlplane {

// An answer, and what it depended on, for reads that may wait.
struct AgentAnswer {
  http::Response response;
  // Set for conditional reads: the node, its `changes` before the answer was made, and that the caller has it already.
  bool is_unchanged = false;
  NodeId node = 0;
  std::int64_t changes = 0;
};

// Thread-safe.
class AgentApi {
 public:
  AgentApi(Store& store, Access& access, std::function<WallTime()> now);

  // /api/v1/agent/heartbeat
  http::Response heartbeat(const http::Request& request) const;
  // /api/v1/agent/{node}/{action}
  AgentAnswer act(const http::Request& request, std::string_view node, std::string_view action) const;
  // /api/v1/agent/{node}/mesh/status, which takes names only
  http::Response mesh_status(const http::Request& request, std::string_view node) const;
  // The node that asks, or the answer to give: 401, 403, 404, 429, 500.
  std::expected<Node, http::Response> admit(const http::Request& request, std::string_view node) const;

 private:
  AgentAnswer conditional(const http::Request& request, const Node& node, std::string_view action, std::int64_t changes,
                          http::Response response) const;
  std::optional<AgentAnswer> known_unchanged(const http::Request& request, const Node& node,
                                             std::string_view action) const;
  AgentAnswer sessions(const http::Request& request, const Node& node) const;
  AgentAnswer shared_view(const http::Request& request, const Node& node, std::string_view action) const;
  http::Response config(const Node& node) const;
  http::Response record_heartbeat(const Node& node, const boost::json::object& body) const;
  http::Response report(const http::Request& request, const Node& node) const;
  http::Response rtt(const http::Request& request, const Node& node) const;
  http::Response modify(const http::Request& request, const Node& node) const;
  http::Response received() const;

  Store& store_;
  Access& access_;
  const std::function<WallTime()> now_;
  // The ETag of a node's read at a value of its `changes`, on which alone the read depends: most reads are of what the
  // caller has already, and need no look at it.
  struct Told {
    std::int64_t changes = 0;
    std::string etag;
  };
  mutable std::mutex told_mutex_;
  mutable std::map<std::pair<NodeId, std::string>, Told> told_;  // by node and action; `told_mutex_` guards it
};

// The strong ETag of a body, with its quotes.
std::string etag_of(std::string_view body);
// Does If-None-Match name this tag (RFC 9110 section 13.1.2: a list, or "*"; weak comparison)?
bool names_etag(std::string_view if_none_match, std::string_view etag);

}  // namespace moenet::controlplane
