// How a neighbor in the mesh really is, in the words that the control plane and an operator are told (wire contract A9,
// mesh/status). Pure.
#pragma once

#include <map>
#include <string>

#include "agent/reconcile_task.h"

namespace moenet::agent {

// "configured", or "error: …" with the cause in an operator's words.
std::string mesh_state(const BackboneView& neighbor);
// The neighbors' states by node id, as `peers` of mesh/status.
std::map<std::string, std::string> mesh_states(const NodeReport& report);

}  // namespace moenet::agent
