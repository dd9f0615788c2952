#include "net/tcp_reach.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <poll.h>
#include <string>
#include <sys/socket.h>

#include "base/fd.h"

namespace moenet::net {
namespace {

Error refused(int number, const Endpoint& remote) {
  Error error = error_from_errno(number, "connect to " + remote.text());
  if (number == ECONNREFUSED || number == ENETUNREACH || number == EHOSTUNREACH) error.code = Errc::unavailable;
  return error;
}

int connect_to(int fd, const Endpoint& remote, int interface_index) {
  const std::string_view bytes = remote.address.bytes();
  if (remote.address.is_v4()) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(remote.port);
    std::memcpy(&address.sin_addr, bytes.data(), sizeof address.sin_addr);
    return ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(remote.port);
  address.sin6_scope_id = static_cast<std::uint32_t>(interface_index);
  std::memcpy(&address.sin6_addr, bytes.data(), sizeof address.sin6_addr);
  return ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

using Outcome = Result<std::chrono::nanoseconds>;

struct Attempt {
  UniqueFd socket;
  SteadyTime began = steady_now();
  std::optional<Outcome> outcome;  // absent: under way
};

// Of a connection that is made. tcpi_rtt (linux/tcp.h) is 0 when a packet of the handshake went twice (RFC 6298
// section 3: its round trip is ambiguous).
std::chrono::nanoseconds time_of(const Attempt& attempt) {
  const auto elapsed = steady_now() - attempt.began;
  tcp_info state{};
  socklen_t size = sizeof state;
  if (::getsockopt(attempt.socket.get(), IPPROTO_TCP, TCP_INFO, &state, &size) != 0 || state.tcpi_rtt == 0)
    return elapsed;
  return std::min<std::chrono::nanoseconds>(elapsed, std::chrono::microseconds(state.tcpi_rtt));
}

Attempt begin(const Endpoint& remote, int interface_index) {
  Attempt attempt;
  const int family = remote.address.is_v4() ? AF_INET : AF_INET6;
  attempt.socket = UniqueFd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!attempt.socket) {
    attempt.outcome = std::unexpected(error_from_errno(errno, "make a socket"));
  } else if (connect_to(attempt.socket.get(), remote, interface_index) == 0) {
    attempt.outcome = time_of(attempt);
  } else if (errno != EINPROGRESS) {
    attempt.outcome = std::unexpected(refused(errno, remote));
  }
  return attempt;
}

void finish(Attempt& attempt, const Endpoint& remote) {
  int number = 0;
  socklen_t size = sizeof number;
  if (::getsockopt(attempt.socket.get(), SOL_SOCKET, SO_ERROR, &number, &size) != 0) number = errno;
  if (number == 0)
    attempt.outcome = time_of(attempt);
  else
    attempt.outcome = std::unexpected(refused(number, remote));
}

}  // namespace

std::vector<Outcome> reach_tcp(std::span<const Endpoint> remotes, Deadline deadline, int interface_index) {
  std::vector<Attempt> attempts;
  for (const Endpoint& remote : remotes) attempts.push_back(begin(remote, interface_index));
  for (;;) {
    std::vector<pollfd> waiting;
    waiting.reserve(attempts.size());
    for (const auto& attempt : attempts)  // one that is done is passed over by poll(2)
      waiting.push_back({attempt.outcome ? -1 : attempt.socket.get(), POLLOUT, 0});
    const bool all_done = std::ranges::all_of(attempts, [](const Attempt& attempt) { return !!attempt.outcome; });
    if (all_done || deadline.passed()) break;
    if (::poll(waiting.data(), waiting.size(), static_cast<int>(deadline.left().count())) <= 0) continue;
    for (std::size_t i = 0; i < attempts.size(); ++i) {
      if (!attempts[i].outcome && waiting[i].revents != 0) finish(attempts[i], remotes[i]);
    }
  }
  std::vector<Outcome> outcomes;
  outcomes.reserve(attempts.size());
  for (std::size_t i = 0; i < attempts.size(); ++i) {
    outcomes.push_back(
        attempts[i].outcome.value_or(fail(Errc::timeout, "connect to " + remotes[i].text() + ": no answer in time")));
  }
  return outcomes;
}

}  // namespace moenet::net
