// The documents of the agent's API: /status and the result of /sync, as JSON with a stable schema (docs/api.yaml). No
// secrets.
#pragma once

#include <string>

#include "agent/control_plane.h"
#include "agent/kernel_settings.h"
#include "agent/ledger.h"
#include "agent/maintenance.h"
#include "agent/metric_report.h"
#include "agent/reconcile_task.h"
#include "agent/status_session.h"

namespace moenet::agent {

struct StatusSource {
  std::string node_name;
  std::string backend;  // "kernel", "userspace"
  SteadyTime started;
  const ControlPlane& control_plane;
  const TaskLedger& ledger;
  const Latest<NodeReport>& report;
  const Latest<SessionInput>& input;
  const Latest<KernelWatch::Look>& kernel;
  const Latest<MaintenanceView>& maintenance;
  MetricReport::Counters metric_report;
  StatusSnapshots snapshots;
};

std::string status_document(const StatusSource& source);
std::string sync_document(const NodeReport& report);

}  // namespace moenet::agent
