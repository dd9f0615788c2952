// What both backends of WireGuard share.
#include "net/wireguard.h"

#include <algorithm>
#include <cerrno>
#include <netinet/in.h>
#include <sys/socket.h>

#include <fmt/format.h>

#include "base/fd.h"

namespace moenet::net {

namespace {

Result<void> bind_udp(int family, const sockaddr* address, socklen_t size, std::uint16_t port) {
  const UniqueFd socket(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket && errno == EAFNOSUPPORT) return {};  // a kernel without this family
  if (!socket) return std::unexpected(error_from_errno(errno, "open a UDP socket"));
  const int only = 1;
  if (family == AF_INET6) (void)::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
  if (::bind(socket.get(), address, size) == 0) return {};
  if (errno == EADDRINUSE) return fail(Errc::conflict, fmt::format("listen port {} is in use", port));
  return std::unexpected(error_from_errno(errno, fmt::format("bind UDP port {}", port)));
}

}  // namespace

void sort_wg_device(WgDevice& device) {
  std::ranges::sort(device.peers, {}, &WgPeer::public_key);
  for (auto& peer : device.peers) std::ranges::sort(peer.allowed_ips);
}

std::optional<std::chrono::system_clock::time_point> wg_handshake_time(std::int64_t seconds, std::int64_t nanoseconds) {
  // 64 bits of nanoseconds, in which system_clock counts, end in the year 2262.
  constexpr std::int64_t kLastSecond = 9'000'000'000;
  const bool never = seconds == 0 && nanoseconds == 0;
  if (never || seconds < 0 || seconds > kLastSecond || nanoseconds < 0 || nanoseconds > 999'999'999)
    return std::nullopt;
  return std::chrono::system_clock::time_point(std::chrono::seconds(seconds) + std::chrono::nanoseconds(nanoseconds));
}

Result<void> check_udp_port_free(std::uint16_t port) {
  if (port == 0) return {};
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  TRY_VOID(bind_udp(AF_INET, reinterpret_cast<const sockaddr*>(&v4), sizeof v4, port));
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  return bind_udp(AF_INET6, reinterpret_cast<const sockaddr*>(&v6), sizeof v6, port);
}

}  // namespace moenet::net
