// Two sessions that claim one interface, listen port, GRE far end and key, or (link-locals apart) neighbor, and
// sessions that claim what is not ours.
#pragma once

#include <cstdint>
#include <vector>

#include "model/desired.h"
#include "reconcile/plan.h"

namespace moenet::reconcile {

// What runs of an untouched session, and of a loser, keeps what it holds; so does a session that runs on a port of the
// kernel's choice, or to a remote that its name had before. REQUIRES: as plan(), but for the claims; one status per
// peering.
//
// Gives the losers of each conflict the verdict Broken with its cause and intent `untouched` (what runs stays) or, when
// nothing of it runs, nothing is set up. The winner is who already has the thing on the node; else who is listed as
// ENABLED (2), then PROBLEM (6); else the lower uuid. `status_of` is the row's status, in the order of
// `desired.peerings`.
void settle_conflicts(model::DesiredState& desired, const std::vector<std::int64_t>& status_of,
                      const NodeState& observed);

}  // namespace moenet::reconcile
