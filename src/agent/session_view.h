// `moenet-agent status PEER`: the document of /sessions/<uuid> for a terminal. Pure.
#pragma once

#include <string>
#include <string_view>

#include "agent/status_view.h"
#include "base/result.h"

namespace moenet::agent {

// `status_document` is /status of the same moment; what is only there (the path's MTU) is taken from it. Errors:
// invalid.
Result<std::string> session_view(std::string_view document, std::string_view status_document,
                                 const ViewOptions& options = {});

}  // namespace moenet::agent
