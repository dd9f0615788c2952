#include "net/source_address.h"

#include <arpa/inet.h>
#include <bit>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/fd.h"

namespace moenet::net {
namespace {

constexpr std::uint16_t kAnyPort = 9;  // discard (RFC 863); any would do

}  // namespace

// Connecting a datagram socket looks up the route and chooses the address, and no more.
std::optional<IpAddress> source_towards(const IpAddress& remote) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(kAnyPort);
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(kAnyPort);
  auto* address = remote.is_v4() ? reinterpret_cast<sockaddr*>(&v4) : reinterpret_cast<sockaddr*>(&v6);
  socklen_t size = remote.is_v4() ? sizeof v4 : sizeof v6;
  std::memcpy(remote.is_v4() ? static_cast<void*>(&v4.sin_addr) : &v6.sin6_addr, remote.bytes().data(),
              remote.bytes().size());
  const UniqueFd fd(::socket(address->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd || ::connect(fd.get(), address, size) != 0 || ::getsockname(fd.get(), address, &size) != 0)
    return std::nullopt;
  if (remote.is_v4()) return IpAddress::v4(std::bit_cast<std::array<std::uint8_t, 4>>(v4.sin_addr));
  return IpAddress::v6(std::bit_cast<std::array<std::uint8_t, 16>>(v6.sin6_addr));
}

}  // namespace moenet::net
