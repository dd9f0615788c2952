#include "agent/version.h"

#include "build_version.h"

namespace moenet::agent {

std::string_view version_text() { return MOENET_VERSION; }

std::string_view version_line() {
  return "moenet-agent " MOENET_VERSION " (commit " MOENET_COMMIT ", " MOENET_BUILT ")";
}

}  // namespace moenet::agent
