// heartbeatTask: tells the control plane that the node lives, and how it is (wire contract A6).
#pragma once

#include <chrono>
#include <stop_token>
#include <string>

#include "agent/control_plane.h"
#include "agent/ledger.h"
#include "agent/looking_glass.h"
#include "agent/maintenance.h"
#include "base/key.h"
#include "base/latest.h"

namespace moenet::agent {

inline constexpr std::string_view kHeartbeatTask = "heartbeatTask";

// What it tells of besides the machine itself. All of it outlives the task.
struct HeartbeatSource {
  const std::string& node_name;
  const Key& public_key;
  const Latest<MaintenanceView>& maintenance;
  const LookingGlassSettings& looking_glass;
};

// `wakeup`: notified when a heartbeat is due before its time.
void run_heartbeat(ControlPlane& control_plane, TaskLedger& ledger, const HeartbeatSource& source,
                   std::chrono::seconds interval, Wakeup& wakeup, const std::stop_token& stop);

}  // namespace moenet::agent
