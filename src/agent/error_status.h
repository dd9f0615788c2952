// The HTTP status that stands for an error in what this agent answers: in its own API, and to queries of the control
// plane.
#pragma once

#include "base/result.h"

namespace moenet::agent {

constexpr int status_of(Errc code) {
  switch (code) {
    case Errc::invalid: return 422;
    case Errc::not_found: return 404;
    case Errc::conflict: return 409;
    case Errc::denied: return 403;
    case Errc::unavailable:
    case Errc::cancelled: return 503;
    case Errc::timeout: return 504;
    case Errc::internal: break;
  }
  return 500;
}

}  // namespace moenet::agent
