// configTask: asks the control plane once for the node's config (wire contract A4) and keeps it on disk. When it says
// something new, the agent reads its configuration again as if it had got SIGHUP.
#pragma once

#include <functional>
#include <stop_token>
#include <string_view>

#include "agent/config.h"
#include "agent/control_plane.h"
#include "agent/ledger.h"
#include "agent/state_file.h"
#include "base/latest.h"

namespace moenet::agent {

inline constexpr std::string_view kConfigTask = "configTask";

// What a node without a complete config says of itself.
inline constexpr std::string_view kWaitsForConfig = "waiting for the control plane's first config";

// The `data` of a kept config answer, or null when there is none for this node.
boost::json::value kept_config(const AgentConfig& local);

StateIdentity identity_of(const AgentConfig& config);

struct ConfigWiring {
  ControlPlane& control_plane;
  TaskLedger& ledger;
  const AgentConfig& config;
  const ConfigSource& source;
  Environment environment;
  std::function<void()> on_new_config;
  std::function<void()> on_progress;  // before each attempt, and every few seconds between two
  Wakeup& ask_again;                  // notified when the answer may have changed
};

// Repeats until the control plane has answered, and again when it is to be asked again; without a complete config until
// the stop, which the reload brings.
void run_config(const ConfigWiring& wiring, const std::stop_token& stop);

}  // namespace moenet::agent
