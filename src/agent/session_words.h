// What the agent's documents have in common: a session's two states (what has become of it here, and what the control
// plane holds) and times, in words.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "model/lifecycle.h"

namespace moenet::agent {

std::string_view state_word(const model::Condition& condition);    // "in_place", "problem", …
std::string_view cause_of(const model::Condition& condition);      // empty when there is none
std::string status_word(const std::optional<std::int64_t>& held);  // "ENABLED", "UNKNOWN", "UNKNOWN_12"
std::string utc_text(WallTime time);                               // "2027-01-15T08:00:00Z"

}  // namespace moenet::agent
