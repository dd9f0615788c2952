// What is between a thing as wanted and the thing as it is: a tunnel field by field, a peering as a sentence. Pure.
#pragma once

#include <optional>
#include <string>

#include "model/desired.h"
#include "reconcile/observed_index.h"
#include "reconcile/plan.h"

namespace moenet::reconcile {

// No handshake yet, or the last one is so old that the session cannot be alive.
bool is_silent(const model::TunnelPeer& observed);

// What must change to make `observed` as `desired`; absent when nothing must. An endpoint is rewritten only when the
// operator changed it (the mark on the link says another text) or the handshake is stale: a live peer that roamed is
// left where it is. No mark is written while the endpoint's name is unresolved or there is no endpoint. REQUIRES: equal
// name, owner and type.
std::optional<UpdateTunnel> difference(const model::Tunnel& desired, const model::Tunnel& observed);

// What an update changes, in words, without the link's name: "mtu 1420, port 30001". No secrets.
std::string fields_of(const UpdateTunnel& update);

// Why the peering is not in place, in an operator's words; empty when it is. An untouched peering is in place whatever
// there is.
std::string obstacle(const model::DesiredPeering& peering, const ObservedIndex& observed);

}  // namespace moenet::reconcile
