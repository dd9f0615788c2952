#include "agent/path_mtu.h"

#include <algorithm>

#include <fmt/format.h>

#include "net/path_mtu.h"

namespace moenet::agent {

std::optional<std::uint32_t> fitting_mtu(const TunnelPath& path) {
  if (!path.path_mtu_bytes) return std::nullopt;
  return *path.path_mtu_bytes - path.overhead_bytes;
}

std::uint32_t limited_mtu(std::uint32_t wanted_bytes, std::uint32_t limit_bytes) {
  if (limit_bytes == 0) return wanted_bytes;
  return std::min(wanted_bytes, std::max<std::uint32_t>(limit_bytes, net::kLeastPathMtu));
}

// A tunnel that could carry more is no fault: 1420 is what most agree on, and both ends must.
std::string mtu_advice(const TunnelPath& path) {
  const auto fits = fitting_mtu(path);
  if (!fits || path.mtu_bytes <= *fits) return "";
  const std::string why = fmt::format("the path to {} carries {} bytes{}", path.endpoint.text(), *path.path_mtu_bytes,
                                      path.named_by ? ", says " + path.named_by->text() : "");
  if (*fits < net::kLeastPathMtu)
    return fmt::format("{}: too little for IPv6 in the tunnel, whose packets of {} bytes are fragmented or lost", why,
                       path.mtu_bytes);
  return fmt::format("lower the tunnel's MTU from {} to {} at both ends: {}", path.mtu_bytes, *fits, why);
}

}  // namespace moenet::agent
