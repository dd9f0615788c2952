// What of the node's tools people may use through the control plane (agent/query_task): the node's operator decides, in
// the node's own file. The control plane has no say in it.
#pragma once

#include <string>
#include <vector>

#include "agent/tools_question.h"
#include "base/ip.h"

namespace moenet::agent {

struct LookingGlassSettings {
  bool enabled = true;
  std::vector<Tool> tools{Tool::route, Tool::path, Tool::ping};
  // Where echoes, connections and questions to name servers may go. `route` and `path` only ask BIRD.
  std::vector<IpPrefix> targets = network_prefixes();

  // The addresses that DN42 and the networks it exchanges routes with use as their own (DN42 wiki, 2026-08), but for
  // the most of 10.0.0.0/8: behind a node that may be the operator's office as well.
  static std::vector<IpPrefix> network_prefixes();

  bool offers(Tool tool) const;
  // In one of `targets`, and neither loopback nor link-local.
  bool may_reach(const IpAddress& address) const;
  // The names of what is offered, which the heartbeat tells; none when it is off.
  std::vector<std::string> offered() const;
};

}  // namespace moenet::agent
