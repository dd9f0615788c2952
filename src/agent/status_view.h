// /status, /sync and /maintenance for a terminal of 80 columns. Pure: document to text.
#pragma once

#include <string>
#include <string_view>

#include "agent/status_table.h"
#include "base/result.h"

namespace moenet::agent {

struct ViewOptions {
  TableOptions table = {};
  bool has_colour = false;
  std::size_t width = 80;
};

// Errors: invalid, when the document is none of ours, or of the options'.
Result<std::string> status_view(std::string_view document, const ViewOptions& options = {});
Result<std::string> sync_view(std::string_view document);
Result<std::string> maintenance_view(std::string_view document);

}  // namespace moenet::agent
