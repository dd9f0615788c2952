// heartbeatTask: tells the control plane that the node lives, and how it is (wire contract A6).
#pragma once

#include <chrono>
#include <stop_token>
#include <string>

#include "agent/control_plane.h"
#include "agent/ledger.h"
#include "base/key.h"

namespace moenet::agent {

inline constexpr std::string_view kHeartbeatTask = "heartbeatTask";

void run_heartbeat(ControlPlane& control_plane, TaskLedger& ledger, const std::string& node_name, const Key& public_key,
                   std::chrono::seconds interval, const std::stop_token& stop);

}  // namespace moenet::agent
