// Adoption: what somebody else set up of a session that is this node's to keep, another agent or an operator by hand,
// gets the agent's mark, so that the agent goes on with it instead of refusing its name. Nothing but marks is changed,
// and only on what is evidently the session's own: a WireGuard link of its name with this node's key and the peer's, a
// BIRD file of its name with its protocol alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/config.h"
#include "base/clock.h"
#include "base/result.h"
#include "model/desired.h"
#include "net/link.h"
#include "net/wireguard.h"

namespace moenet::agent {

// Why a link of this name is not `wanted`'s; empty when it is.
std::string reason_against(const model::Tunnel& wanted, const net::WgDevice& device);
std::string reason_against(const model::Tunnel& wanted, const net::Link& link);  // of GRE
// Why a file is not the one of `protocol`; empty when it is: it defines that BGP protocol and nothing else.
std::string reason_against(std::string_view protocol, std::string_view file_text);

// What can be adopted of one peering. With a reason none of it is.
struct Adoption {
  model::Owner owner;
  std::string link;  // its name; "" = nothing to mark
  std::string mark;  // of the link
  std::string file;  // its name; "" = nothing to mark
  std::string reason;
};

// Of each peering that is wanted and of which something is there without our mark, in order. Errors: unavailable,
// timeout, denied.
Result<std::vector<Adoption>> find_adoptions(const AgentConfig& config, const model::DesiredState& desired,
                                             Deadline deadline);

// Writes the marks, the link's first. A file keeps its mode and group. Errors: not_found, denied, unavailable.
Result<void> adopt(const AgentConfig& config, const Adoption& adoption, Deadline deadline);

}  // namespace moenet::agent
