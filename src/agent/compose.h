// compose: the rows of the control plane become the desired state of this node: intents, tunnels and BIRD files. Pure,
// apart from the resolver it asks for names.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/config.h"
#include "base/ip.h"
#include "base/key.h"
#include "model/desired.h"
#include "model/session_json.h"

namespace moenet::agent {

// What Resolver::lookup says of a host name: an address, nothing yet, or why not.
using Lookup = std::function<Result<std::optional<IpAddress>>(std::string_view host)>;

// What sessions are compiled against.
struct NodeContext {
  model::NodeIdentity identity;
  Key private_key;
  std::chrono::seconds keepalive{25};
  bird::PolicyNames names;
};

struct Composed {
  model::DesiredState state;            // sorted by uuid
  std::vector<std::int64_t> status_of;  // of each peering's row; -1 when the row does not say
};

// REQUIRES: rows sorted by uuid, as read_sessions leaves them. Rows without a readable uuid, and all but the
// first of an equal uuid, are left out.
Composed compose(const std::vector<model::SessionRow>& rows, const NodeContext& node, const Lookup& lookup);

}  // namespace moenet::agent
