// Where a configuration comes from, as one: the node's file, the environment over it, and the control plane's answer
// beneath both. What its members mean is config.cpp's.
#pragma once

#include <vector>

#include <boost/json.hpp>

#include "agent/config.h"
#include "model/json_reader.h"

namespace moenet::agent {

struct MergedConfig {
  boost::json::value root;               // an object in the words of the full form
  bool is_bootstrap = false;             // the file has the short form
  std::vector<model::JsonFault> faults;  // of paths in the answer
};

MergedConfig merge_config(const ConfigSource& source, const boost::json::value& fetched, Environment environment);

// `sandbox.seccomp` of a file that was understood. It counts from the process's start on, so that no reload and no
// answer of the control plane changes it.
bool wants_system_call_filter(const ConfigSource& source);

}  // namespace moenet::agent
