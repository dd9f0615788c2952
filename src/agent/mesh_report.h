// meshReportTask: tells the control plane how each neighbor in the mesh really is (wire contract A9, mesh/status): not
// that a call returned well, but that the neighbor has shaken hands and Babel hears it.
#pragma once

#include <chrono>
#include <map>
#include <stop_token>
#include <string>

#include <boost/json/value.hpp>

#include "agent/control_plane.h"
#include "agent/ledger.h"
#include "agent/link_quality.h"
#include "agent/mesh_state.h"
#include "agent/reconcile_task.h"
#include "base/latest.h"

namespace moenet::agent {

inline constexpr std::string_view kMeshReportTask = "meshReportTask";

// The body of mesh/status; `links` beside `peers` is ours. `qualities`: null while nothing was measured; a link whose
// round trip is not known has none.
boost::json::value mesh_status_body(const std::string& node_name, const NodeReport& report,
                                    const LinkQualities* qualities);

class MeshReport {
 public:
  MeshReport(ControlPlane& control_plane, TaskLedger& ledger, std::string node_name, Latest<NodeReport>& report,
             const Latest<LinkQualities>& qualities, Wakeup& wakeup, std::chrono::seconds interval)
      : control_plane_(control_plane),
        ledger_(ledger),
        node_name_(std::move(node_name)),
        report_(report),
        qualities_(qualities),
        wakeup_(wakeup),
        interval_(interval) {}

  // Reports when a state has changed, and every `interval`.
  void run(const std::stop_token& stop);

 private:
  ControlPlane& control_plane_;
  TaskLedger& ledger_;
  std::string node_name_;
  Latest<NodeReport>& report_;
  const Latest<LinkQualities>& qualities_;
  Wakeup& wakeup_;
  std::chrono::seconds interval_;
};

}  // namespace moenet::agent
