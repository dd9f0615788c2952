// /status, /sync and /maintenance for a terminal.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace moenet::agent {

// Errors: invalid, when the document is none of ours.
Result<std::string> status_view(std::string_view document);
Result<std::string> sync_view(std::string_view document);
Result<std::string> maintenance_view(std::string_view document);

}  // namespace moenet::agent
