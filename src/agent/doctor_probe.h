// Looking at the node for doctor. Nothing is changed, tried out or left behind: no link is made, no port bound, no lock
// taken, no module loaded; BIRD is asked, and the control plane with one read.
#pragma once

#include <string>

#include "agent/doctor_facts.h"

namespace moenet::agent {

// `config_path` is empty where the configuration is to be searched. Blocks for 7 s at most; network steps run at once.
DoctorFacts probe_node(const std::string& config_path);

}  // namespace moenet::agent
