// The content of a desire as a number: whether what failed before is still the same. Process-local; never stored.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "model/desired.h"
#include "reconcile/plan.h"

namespace moenet::reconcile {

// All that a row of the control plane decides. Not the resolved endpoint, which a name's DNS moves by itself.
std::size_t content_of(const model::DesiredPeering& peering);
std::size_t content_of(const BirdAction& action);
std::size_t content_of(const model::Firewall& firewall);
std::size_t content_of(const std::vector<std::shared_ptr<const model::BirdFile>>& policy);

}  // namespace moenet::reconcile
