// PolicyPreview: the BIRD policy that a node makes of the settings, before it makes it: by the same functions as its
// agent, for an agent whose own file changes none of it, on BIRD 3. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "controlplane/refusal.h"
#include "controlplane/settings.h"
#include "controlplane/store.h"
#include "model/desired.h"

namespace moenet::controlplane {

// By name; none where the settings have no policy. Refusals: internal, what an agent would not read.
Checked<std::vector<model::BirdFile>> policy_files(const Settings& settings, const Node& node,
                                                   std::span<const Node> nodes);
// The unified diffs of the files that differ, one after another; empty when none does.
Checked<std::string> policy_diff(const Settings& before, const Settings& after, const Node& node,
                                 std::span<const Node> nodes);

}  // namespace moenet::controlplane
