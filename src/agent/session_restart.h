// Restart of one session at an operator's request, around a step of the reconciler: before it the tunnel is removed,
// the step sets it up like any that is missing, and after it BGP begins anew. Other sessions are not touched.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/node_request.h"
#include "agent/reconcile_task.h"
#include "base/clock.h"
#include "base/result.h"
#include "reconcile/node.h"

namespace moenet::agent {

// REQUIRES: the node is the caller's to write.
class SessionRestart {
 public:
  // Finds the session that the request names, and removes its tunnel if that is asked for. Errors: not_found (no such
  // session is set up here), and those of Node.
  static Result<SessionRestart> begin(reconcile::Node& node, const SessionViews& sessions,
                                      const RestartSession& request, Deadline deadline, const std::stop_token& stop);

  // After the step. Errors: unavailable (the session did not come back as wanted: the text says why), those of Node.
  Result<void> finish(reconcile::Node& node, const SessionViews& sessions, Deadline deadline,
                      const std::stop_token& stop) const;

 private:
  SessionRestart(model::SessionId session, model::Asn asn, RestartSession request)
      : session_(std::move(session)), asn_(asn), request_(std::move(request)) {}

  model::SessionId session_;
  model::Asn asn_;
  RestartSession request_;
};

}  // namespace moenet::agent
