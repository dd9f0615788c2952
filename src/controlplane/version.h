// What this build is, for `-v`, /health and the start of the log.
#pragma once

#include <string_view>

namespace moenet::controlplane {

std::string_view version();       // "0.1.0"
std::string_view version_line();  // "moenet-controlplane 0.1.0 (commit 360bf09, 2026-11-23)"

}  // namespace moenet::controlplane
