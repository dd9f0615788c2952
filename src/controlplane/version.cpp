#include "controlplane/version.h"

#include "build_version.h"

namespace moenet::controlplane {

std::string_view version() { return MOENET_VERSION; }

std::string_view version_line() {
  return "moenet-controlplane " MOENET_VERSION " (commit " MOENET_COMMIT ", " MOENET_BUILT ")";
}

}  // namespace moenet::controlplane
