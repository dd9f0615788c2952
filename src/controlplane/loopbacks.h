// Loopbacks: one address is one node's, within the network's prefix. Pure; the store asks in the transaction that would
// break it.
#pragma once

#include <span>

#include "controlplane/refusal.h"
#include "controlplane/settings.h"
#include "controlplane/store.h"

namespace moenet::controlplane {

// May `node` have its loopbacks beside `nodes`, in which it may stand itself, by its id? Refusals name the member:
// "loopbackIpv4" (invalid: outside the prefix, or the prefix's first or IPv4 broadcast address; conflict: another
// node's).
Checked<void> check_loopbacks(const Settings& settings, const Node& node, std::span<const Node> nodes);

// Has each node loopbacks of its own with these settings? Refusals name the setting: "ipv4Prefix".
Checked<void> check_prefixes(const Settings& settings, std::span<const Node> nodes);

}  // namespace moenet::controlplane
