// What this build is, for `-v`, /status, the heartbeat and the start of the log.
#pragma once

#include <string_view>

namespace moenet::agent {

std::string_view version_text();  // "0.1.0"
std::string_view version_line();  // "moenet-agent 0.1.0 (commit 360bf09, 2026-11-23)"

}  // namespace moenet::agent
