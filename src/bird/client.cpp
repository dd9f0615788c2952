#include "bird/client.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <deque>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fd.h"
#include "base/latest.h"

namespace moenet::bird {
namespace {

// BIRD drops a connection whose unread input reaches CLI_RX_BUF_SIZE, 1,024 bytes (nest/cli.h; measured on 2.0.12
// and 3.1.8).
constexpr std::size_t kMostUnreadBytes = 1023;
constexpr std::size_t kReadBytes = 64 * 1024;
constexpr int kRestricted = 16;  // "Access restricted"
// Between two attempts at a socket whose backlog is full: BIRD accepts one connection per turn of its loop.
constexpr std::chrono::milliseconds kBacklogPause{5};

Error away(const std::string& socket_path, std::string_view why) {
  return {Errc::unavailable, "BIRD does not answer at " + socket_path + ": " + std::string(why)};
}

Result<UniqueFd> open_socket(const std::string& path, Deadline deadline, const std::stop_token& stop) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return fail(Errc::invalid, "control socket path \"" + path + "\": must have 1 to 107 bytes");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return std::unexpected(error_from_errno(errno, "open a socket to BIRD"));
  while (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    const int number = errno;
    if (number == EACCES || number == EPERM) {
      return fail(Errc::denied, "connect to BIRD at " + path + ": " + std::strerror(number));
    }
    if (number != EAGAIN && number != EINTR) return std::unexpected(away(path, std::strerror(number)));
    if (stop.stop_requested()) return fail(Errc::cancelled, "connect to BIRD");
    if (deadline.passed()) return fail(Errc::timeout, "connect to BIRD at " + path + ": its backlog is full");
    Wakeup().wait(deadline.or_sooner(kBacklogPause), stop);
  }
  return fd;
}

}  // namespace

struct BirdClient::State {
  std::string socket_path;
  UniqueFd socket;
  UniqueFd stop_event;  // readable once a stop is requested, so that poll() sees it
  ReplyReader reader;
  Version version;
  bool broken = false;

  std::unexpected<Error> break_with(Error error) {
    broken = true;
    socket.reset();
    return std::unexpected(std::move(error));
  }

  // Waits until the socket is readable, or writable when asked for.
  Result<short> wait(bool for_write, Deadline deadline, const std::stop_token& stop) {
    for (;;) {
      if (stop.stop_requested()) return fail(Errc::cancelled, "talk to BIRD");
      const auto left = deadline.left();
      if (left.count() == 0)
        return fail(Errc::timeout, "BIRD does not answer at " + socket_path + ": no reply in time");
      std::array<pollfd, 2> fds{pollfd{socket.get(), static_cast<short>(for_write ? POLLIN | POLLOUT : POLLIN), 0},
                                pollfd{stop_event.get(), POLLIN, 0}};
      constexpr std::int64_t kLongestPollMs = 3'600'000;
      const int ready =
          ::poll(fds.data(), fds.size(), static_cast<int>(std::min<std::int64_t>(left.count(), kLongestPollMs)));
      if (ready < 0 && errno != EINTR) return std::unexpected(error_from_errno(errno, "poll BIRD's control socket"));
      if (ready > 0 && fds[0].revents != 0) return fds[0].revents;
    }
  }

  Result<void> receive() {
    std::array<char, kReadBytes> buffer;
    const ssize_t got = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (got < 0) {
      if (errno == EAGAIN || errno == EINTR) return {};
      return std::unexpected(away(socket_path, std::strerror(errno)));
    }
    if (got == 0) return std::unexpected(away(socket_path, "it closed the connection"));
    return reader.feed({buffer.data(), static_cast<std::size_t>(got)});
  }

  // Sends what the socket takes of `bytes` and cuts it off there.
  Result<void> send_some(std::string& bytes) {
    const ssize_t sent = ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EAGAIN || errno == EINTR) return {};
      return std::unexpected(away(socket_path, std::strerror(errno)));
    }
    bytes.erase(0, static_cast<std::size_t>(sent));
    return {};
  }

  Result<std::vector<Reply>> exchange(std::span<const std::string> commands, std::size_t replies, Deadline deadline,
                                      const std::stop_token& stop);
};

Result<std::vector<Reply>> BirdClient::State::exchange(std::span<const std::string> commands, std::size_t replies,
                                                       Deadline deadline, const std::stop_token& stop) {
  eventfd_t earlier = 0;
  ::eventfd_read(stop_event.get(), &earlier);  // a stop of an earlier exchange that had ended already
  const std::stop_callback on_stop(stop, [fd = stop_event.get()] { ::eventfd_write(fd, 1); });
  std::vector<Reply> answers;
  answers.reserve(replies);
  std::deque<std::size_t> unanswered;  // bytes of each command that was queued to BIRD
  std::size_t unanswered_bytes = 0;
  std::size_t next = 0;
  std::string output;
  while (answers.size() < replies) {
    while (next < commands.size() && unanswered_bytes + commands[next].size() + 1 <= kMostUnreadBytes) {
      output += commands[next] + "\n";
      unanswered.push_back(commands[next++].size() + 1);
      unanswered_bytes += unanswered.back();
    }
    TRY(const short events, wait(!output.empty(), deadline, stop));
    if ((events & POLLOUT) != 0) {
      TRY_VOID(send_some(output));
    }
    if ((events & (POLLIN | POLLHUP | POLLERR)) != 0) {
      TRY_VOID(receive());
    }
    while (auto reply = reader.next()) {
      if (answers.size() == replies) return fail(Errc::internal, "BIRD sent a reply that nobody asked for");
      answers.push_back(std::move(*reply));
      if (unanswered.empty()) continue;  // the greeting
      unanswered_bytes -= unanswered.front();
      unanswered.pop_front();
    }
  }
  return answers;
}

BirdClient::BirdClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
BirdClient::BirdClient(BirdClient&&) noexcept = default;
BirdClient& BirdClient::operator=(BirdClient&&) noexcept = default;
BirdClient::~BirdClient() = default;

const Version& BirdClient::version() const { return state_->version; }
bool BirdClient::is_broken() const { return state_->broken; }

bool BirdClient::is_closed_by_bird() const {
  char byte = 0;
  const ssize_t got = ::recv(state_->socket.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

Result<BirdClient> BirdClient::connect(const std::string& socket_path, Deadline deadline, const std::stop_token& stop,
                                       Access access) {
  auto state = std::make_unique<State>();
  if (access == Access::reading) state->reader = ReplyReader(kMostRead, ReplyReader::TooLarge::cut);
  state->socket_path = socket_path;
  TRY(state->socket, open_socket(socket_path, deadline, stop));
  state->stop_event = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!state->stop_event) return std::unexpected(error_from_errno(errno, "open an eventfd"));
  TRY(const std::vector<Reply> greeting, state->exchange({}, 1, deadline, stop));
  TRY(state->version, parse_greeting(greeting.front()));
  BirdClient client(std::move(state));
  if (access == Access::reading) {
    TRY(const Reply reply, client.ask("restrict", deadline, stop));
    if (reply.code() != kRestricted) return fail(Errc::internal, "restrict: BIRD answered " + reply.text());
  }
  return client;
}

Result<std::vector<Reply>> BirdClient::ask_all(std::span<const std::string> commands, Deadline deadline,
                                               const std::stop_token& stop) {
  for (const std::string& command : commands) {
    if (command.size() >= kMostUnreadBytes) return fail(Errc::invalid, "a BIRD command is longer than 1,022 bytes");
    if (command.find_first_of(std::string_view("\n\r\0", 3)) != std::string::npos) {
      return fail(Errc::invalid, "a BIRD command holds a line end or NUL");
    }
  }
  if (state_->broken) return fail(Errc::unavailable, "the connection to BIRD is broken");
  auto replies = state_->exchange(commands, commands.size(), deadline, stop);
  if (!replies) return state_->break_with(std::move(replies).error());
  state_->broken = std::ranges::any_of(*replies, &Reply::is_cut);
  return replies;
}

Result<Reply> BirdClient::ask(std::string_view command, Deadline deadline, const std::stop_token& stop) {
  const std::array<std::string, 1> one{std::string(command)};
  TRY(std::vector<Reply> replies, ask_all(one, deadline, stop));
  return std::move(replies.front());
}

}  // namespace moenet::bird
