// Access: who a bearer token is. A node's token is that node and no other; the shared key, where an operator set one,
// is every node; the admin token is the operator. Refused tokens count against their address.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>

#include "base/clock.h"
#include "base/secret.h"
#include "controlplane/failure_limit.h"
#include "controlplane/store.h"
#include "http/message.h"

namespace moenet::controlplane {

struct AccessKeys {
  Secret admin_token;
  std::optional<Secret> shared_key;
};

// Whose data an agent's token opens: one node's, or with the shared key any.
struct AgentCaller {
  std::optional<NodeId> only;

  bool may_act_for(NodeId node) const { return !only || *only == node; }
};

// Thread-safe.
class Access {
 public:
  Access(Store& store, AccessKeys keys) : store_(store), keys_(std::move(keys)) {}

  // Or the answer to give: 401, 429. Touches no database.
  std::expected<AgentCaller, http::Response> agent(const http::Request& request, WallTime now);
  // Or the answer: 403, 429; as an envelope.
  std::expected<void, http::Response> admin(const http::Request& request, WallTime now);

 private:
  Store& store_;
  const AccessKeys keys_;
  FailureLimit agent_failures_{300};  // as deployed control planes
  FailureLimit admin_failures_{30};
};

}  // namespace moenet::controlplane
