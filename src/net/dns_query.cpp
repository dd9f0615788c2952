#include "net/dns_query.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <fmt/format.h>

#include "base/fd.h"

namespace moenet::net {
namespace {

constexpr std::size_t kMostServers = 3;  // MAXNS of resolv.h
constexpr std::chrono::seconds kAskAgain{1};
constexpr std::chrono::milliseconds kStopLook{100};  // how late a stop is seen

// Connected, so that the kernel drops what others send and tells of a closed port.
Result<UniqueFd> connect_udp(const Endpoint& server) {
  const std::string_view bytes = server.address.bytes();
  UniqueFd socket(::socket(server.address.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_storage storage{};
  socklen_t size = 0;
  if (server.address.is_v4()) {
    auto& address = reinterpret_cast<sockaddr_in&>(storage);
    address.sin_family = AF_INET;
    address.sin_port = htons(server.port);
    std::memcpy(&address.sin_addr, bytes.data(), sizeof address.sin_addr);
    size = sizeof address;
  } else {
    auto& address = reinterpret_cast<sockaddr_in6&>(storage);
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(server.port);
    std::memcpy(&address.sin6_addr, bytes.data(), sizeof address.sin6_addr);
    size = sizeof address;
  }
  if (socket.get() < 0 || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0)
    return fail(Errc::unavailable, fmt::format("ask {}: {}", server.text(), std::strerror(errno)));
  return socket;
}

// The answer when it has come; absent after `until`.
Result<std::optional<DnsAnswer>> await_answer(int socket, const DnsQuestion& question, std::uint16_t id, Deadline until,
                                              const std::stop_token& stop) {
  std::array<std::uint8_t, 4096> buffer;
  while (!until.passed()) {
    if (stop.stop_requested()) return fail(Errc::cancelled, "cancelled");
    pollfd wait{socket, POLLIN, 0};
    if (::poll(&wait, 1, static_cast<int>(std::min(until.left(), kStopLook).count())) <= 0) continue;
    const ssize_t size = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (size < 0) return fail(Errc::unavailable, std::strerror(errno));
    auto answer = parse_dns_answer(std::span(buffer).first(static_cast<std::size_t>(size)), question, id);
    if (answer) return std::optional(std::move(*answer));
    if (answer.error().code != Errc::not_found) return std::unexpected(answer.error());
  }
  return std::optional<DnsAnswer>();
}

}  // namespace

std::vector<IpAddress> name_servers_in(std::string_view resolv_conf) {
  constexpr std::string_view kBlanks = " \t\r";
  std::vector<IpAddress> servers;
  while (!resolv_conf.empty() && servers.size() < kMostServers) {
    std::string_view line = resolv_conf.substr(0, resolv_conf.find('\n'));
    resolv_conf.remove_prefix(std::min(resolv_conf.size(), line.size() + 1));
    constexpr std::string_view kWord = "nameserver";
    if (!line.starts_with(kWord)) continue;
    line.remove_prefix(kWord.size());
    const std::size_t begin = line.find_first_not_of(kBlanks);
    if (begin == 0 || begin == line.npos) continue;
    line.remove_prefix(begin);
    if (const auto address = IpAddress::parse(line.substr(0, line.find_first_of(kBlanks)))) servers.push_back(*address);
  }
  if (servers.empty()) servers.push_back(IpAddress::v4({127, 0, 0, 1}));
  return servers;
}

Result<DnsAnswer> ask_name_server(const Endpoint& server, const DnsQuestion& question, Deadline deadline,
                                  const std::stop_token& stop) {
  TRY(const UniqueFd socket, connect_udp(server));
  std::uint16_t id = 0;
  if (::getrandom(&id, sizeof id, 0) != sizeof id) return std::unexpected(error_from_errno(errno, "draw a DNS id"));
  const auto query = encode_dns_query(question, id);
  const auto in_context = [&](Error error) { return with_context(std::move(error), "ask " + server.text()); };
  while (!deadline.passed()) {
    if (::send(socket.get(), query.data(), query.size(), MSG_NOSIGNAL) < 0)
      return fail(Errc::unavailable, fmt::format("ask {}: {}", server.text(), std::strerror(errno)));
    auto answer = await_answer(socket.get(), question, id, deadline.or_sooner(kAskAgain), stop);
    if (!answer) return std::unexpected(in_context(std::move(answer.error())));
    if (*answer) return std::move(**answer);
  }
  return fail(Errc::timeout, fmt::format("{} does not answer", server.text()));
}

}  // namespace moenet::net
