// What is between a thing as wanted and the thing as it is: a tunnel field by field, a peering as a sentence. Pure.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "model/desired.h"
#include "reconcile/observed_index.h"
#include "reconcile/plan.h"

namespace moenet::reconcile {

// By what the kernel tells one GRE link from another (ip_tunnel_find() in net/ipv4/ip_tunnel.c, ip6gre_tunnel_find() in
// net/ipv6/ip6_gre.c), local addresses apart: ours follow from the remote. The remote's family is the kind's.
using GreEnds = std::pair<IpAddress, std::optional<std::uint32_t>>;
// Absent: no GRE, or the remote is not known.
std::optional<GreEnds> ends_of(const std::optional<GreHeader>& gre);

// No handshake yet, or the last one is so old that the session cannot be alive.
bool is_silent(const model::TunnelPeer& observed);

// The observed tunnel that `wanted` is made of; null when a link has to be made.
const model::Tunnel* kept_for(const model::Tunnel& wanted, const NodeState& observed);

// What must change to make `observed` as `desired`; absent when nothing must. An endpoint is rewritten only when the
// operator changed it (the mark on the link says another text) or the handshake is stale: a live peer that roamed is
// left where it is. No mark is written while the endpoint's name is unresolved or there is no endpoint; nor is a GRE
// remote changed then. REQUIRES: equal name, owner and type.
std::optional<UpdateTunnel> difference(const model::Tunnel& desired, const model::Tunnel& observed);

// What an update changes, in words, without the link's name: "mtu 1420, port 30001". No secrets.
std::string fields_of(const UpdateTunnel& update);

// Why the peering is not in place, in an operator's words; empty when it is. An untouched peering is in place whatever
// there is.
std::string obstacle(const model::DesiredPeering& peering, const ObservedIndex& observed);

}  // namespace moenet::reconcile
