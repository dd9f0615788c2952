// Reported: the readings (samples.h) in what nodes tell: reports of sessions (wire contract A7, B3), measurements (A8)
// and states of the mesh. Everything in them is bounded here; what cannot be read is not known. Pure.
#pragma once

#include <utility>
#include <vector>

#include <boost/json/fwd.hpp>

#include "base/ip.h"
#include "controlplane/samples.h"
#include "controlplane/store.h"

namespace moenet::controlplane {

// When the node measured: `timestamp`, in s or ms; `arrival` where there is none.
UnixSeconds measured_at(const boost::json::object& body, UnixSeconds arrival);

// Of one element of `sessions`.
Reading reading_of_session(const boost::json::object& session, UnixSeconds at);

struct MeasuredTarget {
  IpAddress target;
  Reading reading;
};
// Of `measurements`.
std::vector<MeasuredTarget> measured_targets(const boost::json::object& body, UnixSeconds at);
// The sessions whose peer has one of these addresses. One that several sessions have is nobody's: which link it was on
// is not told.
std::vector<SeriesReading> readings_of_targets(const std::vector<MeasuredTarget>& targets,
                                               const std::vector<StoredSession>& sessions);

// Of `links`, by the neighbor's id.
std::vector<SeriesReading> readings_of_mesh(const boost::json::object& body, UnixSeconds at);

}  // namespace moenet::controlplane
