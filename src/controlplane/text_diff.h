// TextDiff: what changed between two texts, as people and `patch` read it. Pure.
#pragma once

#include <string>
#include <string_view>

namespace moenet::controlplane {

// The hunks of a unified diff with three lines around each change, behind "--- a/NAME" and "+++ b/NAME"; the side that
// is not there is /dev/null. Empty for equal texts. Texts too large to be compared line by line are one hunk.
std::string unified_diff(std::string_view name, std::string_view before, std::string_view after);

}  // namespace moenet::controlplane
