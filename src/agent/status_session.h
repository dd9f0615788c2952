// One session in /status: what has become of it, and what is measured of it. What is not known is null, never 0.
#pragma once

#include <boost/json/fwd.hpp>

#include "agent/health.h"
#include "agent/link_quality.h"
#include "agent/measurement.h"
#include "agent/path_mtu.h"
#include "agent/reconcile_task.h"

namespace moenet::agent {

// As they were published last; null while they never were.
struct StatusSnapshots {
  std::shared_ptr<const Measurement> measurement;
  std::shared_ptr<const LinkQualities> qualities;
  std::shared_ptr<const HealthTable> health;
  std::shared_ptr<const TunnelPaths> paths;
};

boost::json::object status_of_session(const SessionView& view, const StatusSnapshots& snapshots, SteadyTime now);

// Round trips and loss of a session's or a neighbor's link.
void add_quality(const StatusSnapshots& snapshots, const model::Owner& owner, boost::json::object& object);

}  // namespace moenet::agent
