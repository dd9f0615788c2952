// Where the control plane may lead the agent in the file system. The agent reads, makes and writes what its
// configuration names, as root; the node's own file may name any place, the control plane's answer only what belongs
// there. Pure.
#pragma once

#include <string>
#include <vector>

#include <boost/json.hpp>

#include "model/json_reader.h"

namespace moenet::agent {

// `members`: what counts of the answer, in the words of the full form. `more`: folders that the node's own file adds
// (controlPlane.pathsBelow). A fault for each path that leads elsewhere.
std::vector<model::JsonFault> faults_of_paths(const boost::json::object& members, const std::vector<std::string>& more);

}  // namespace moenet::agent
