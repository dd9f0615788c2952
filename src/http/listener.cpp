#include "http/listener.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>

namespace moenet::http {

namespace {

constexpr int kBacklog = 511;  // chosen: a burst of all nodes of a network; the kernel caps it at net.core.somaxconn

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

SocketAddress socket_address_of(const Endpoint& endpoint) {
  SocketAddress result;
  const std::string_view bytes = endpoint.address.bytes();
  if (endpoint.address.is_v4()) {
    auto& address = reinterpret_cast<sockaddr_in&>(result.storage);
    address.sin_family = AF_INET;
    address.sin_port = htons(endpoint.port);
    std::memcpy(&address.sin_addr, bytes.data(), bytes.size());
    result.length = sizeof address;
  } else {
    auto& address = reinterpret_cast<sockaddr_in6&>(result.storage);
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(endpoint.port);
    std::memcpy(&address.sin6_addr, bytes.data(), bytes.size());
    result.length = sizeof address;
  }
  return result;
}

}  // namespace

std::string peer_text(const sockaddr* address) {
  if (address == nullptr) return {};
  if (address->sa_family == AF_INET) {
    std::array<std::uint8_t, 4> bytes;
    std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, bytes.size());
    return IpAddress::v4(bytes).text();
  }
  if (address->sa_family != AF_INET6) return {};
  std::array<std::uint8_t, 16> bytes;
  std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, bytes.size());
  // An IPv4 caller of a dual-stack socket (RFC 4291 section 2.5.5.2): whoever asks "is it loopback" means the IPv4.
  constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) {
    return IpAddress::v4({bytes[12], bytes[13], bytes[14], bytes[15]}).text();
  }
  return IpAddress::v6(bytes).text();
}

Result<UniqueFd> listen_on(const Endpoint& endpoint) {
  const std::string action = "listen on " + endpoint.text();
  const SocketAddress address = socket_address_of(endpoint);
  UniqueFd socket(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return std::unexpected(error_from_errno(errno, action));
  const int on = 1;
  const int off = 0;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (endpoint.address.is_v6()) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.length) != 0 ||
      ::listen(socket.get(), kBacklog) != 0) {
    return std::unexpected(error_from_errno(errno, action));
  }
  return socket;
}

std::uint16_t local_port(int socket) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return 0;
  return storage.ss_family == AF_INET ? ntohs(reinterpret_cast<const sockaddr_in&>(storage).sin_port)
                                      : ntohs(reinterpret_cast<const sockaddr_in6&>(storage).sin6_port);
}

}  // namespace moenet::http
