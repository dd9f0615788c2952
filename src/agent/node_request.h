// What an operator asks of reconcileTask, the node's only writer, through the local API.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "agent/maintenance.h"
#include "base/result.h"

namespace moenet::agent {

struct StartMaintenance {
  MaintenanceOptions options;
};
struct StopMaintenance {};

// One session made anew: its tunnel removed and set up again, its BGP restarted.
struct RestartSession {
  std::string name;  // "dn42_<asn>", or the interface's name
  bool tunnel = true;
  bool bgp = true;
};
// From the body of POST /restart: {"peer_name", "wg_only"?, "bgp_only"?}. Errors: invalid, with what is wrong.
Result<RestartSession> read_restart(std::string_view body);

struct NodeRequest {
  std::variant<StartMaintenance, StopMaintenance, RestartSession> what;
  // Called once, on reconcileTask's thread, when it is done or has failed; must be quick.
  std::function<void(const Result<void>&)> answer;
};

// Thread-safe.
class NodeRequests {
 public:
  void add(NodeRequest request) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(request));
  }
  std::vector<NodeRequest> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(waiting_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<NodeRequest> waiting_;
};

}  // namespace moenet::agent
