#include "base/result.h"

#include <cerrno>
#include <cstring>

namespace moenet {

std::string_view name_of(Errc code) {
  switch (code) {
    case Errc::invalid: return "invalid";
    case Errc::not_found: return "not_found";
    case Errc::conflict: return "conflict";
    case Errc::denied: return "denied";
    case Errc::unavailable: return "unavailable";
    case Errc::timeout: return "timeout";
    case Errc::cancelled: return "cancelled";
    case Errc::internal: return "internal";
  }
  return "internal";
}

Error with_context(Error error, std::string_view context) {
  error.what.insert(0, ": ");
  error.what.insert(0, context);
  return error;
}

namespace {

Errc code_from_errno(int number) {
  switch (number) {
    case EINVAL:
    case EOPNOTSUPP:
    case ENAMETOOLONG:
    case EPROTONOSUPPORT:
    case EAFNOSUPPORT: return Errc::invalid;
    case ENOENT:
    case ENODEV:
    case ENXIO:
    case ESRCH: return Errc::not_found;
    case EEXIST:
    case EADDRINUSE:
    case EADDRNOTAVAIL: return Errc::conflict;
    case EACCES:
    case EPERM:
    case EROFS: return Errc::denied;
    case ETIMEDOUT: return Errc::timeout;
    case ECANCELED: return Errc::cancelled;
    case EAGAIN:
    case EBUSY:
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case ENOSPC:
    case EDQUOT: return Errc::unavailable;
    default: return Errc::internal;
  }
}

}  // namespace

Error error_from_errno(int number, std::string_view action) {
  return {code_from_errno(number), std::string(action) + ": " + std::strerror(number)};
}

}  // namespace moenet
