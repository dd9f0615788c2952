#include "net/uapi_socket.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <fmt/format.h>

#include "base/secret.h"
#include "net/wireguard_uapi_codec.h"

namespace moenet::net {

namespace {

// 10,000 peers with a few allowed IPs are some 6 MB.
constexpr std::size_t kMaxReplyBytes = 64U << 20;
constexpr std::size_t kFirstReplyBytes = 8192;

// Waits for `events` or a hang-up. False at the deadline.
Result<bool> wait_for(int fd, short events, Deadline deadline) {
  pollfd entry{fd, events, 0};
  for (;;) {
    const int ready = ::poll(&entry, 1, static_cast<int>(deadline.left().count()));
    if (ready > 0) return true;
    if (ready == 0) return false;
    if (errno != EINTR) return std::unexpected(error_from_errno(errno, "poll a WireGuard socket"));
  }
}

Result<void> send_all(int fd, std::string_view text, Deadline deadline) {
  while (!text.empty()) {
    const ssize_t sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      text.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      TRY(const bool writable, wait_for(fd, POLLOUT, deadline));
      if (!writable) return fail(Errc::timeout, "the WireGuard daemon does not listen");
    } else if (errno == EPIPE || errno == ECONNRESET) {
      return {};  // it refused the operation half-way: its reply says why
    } else if (errno != EINTR) {
      return std::unexpected(error_from_errno(errno, "send to the WireGuard daemon"));
    }
  }
  return {};
}

// A buffer for text with keys in it: what it outgrows is wiped.
class ReplyBuffer {
 public:
  ReplyBuffer() : text_(kFirstReplyBytes, '\0') {}
  ReplyBuffer(const ReplyBuffer&) = delete;
  ReplyBuffer& operator=(const ReplyBuffer&) = delete;
  ~ReplyBuffer() { wipe(text_.data(), text_.size()); }

  char* free_begin() { return text_.data() + used_; }
  std::size_t free_bytes() const { return text_.size() - used_; }
  void add(std::size_t bytes) {
    used_ += bytes;
    if (free_bytes() > 0) return;
    std::string larger(text_.size() * 2, '\0');
    std::ranges::copy(text_, larger.begin());
    wipe(text_.data(), text_.size());
    text_.swap(larger);
  }
  std::string_view text() const { return {text_.data(), used_}; }

 private:
  std::string text_;
  std::size_t used_ = 0;
};

Result<std::string> receive_reply(int fd, Deadline deadline) {
  ReplyBuffer reply;
  while (!is_whole_uapi_reply(reply.text())) {
    TRY(const bool readable, wait_for(fd, POLLIN, deadline));
    if (!readable) return fail(Errc::timeout, "no answer from the WireGuard daemon in time");
    const ssize_t size = ::recv(fd, reply.free_begin(), reply.free_bytes(), MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (size <= 0) return fail(Errc::unavailable, "the WireGuard daemon hung up");
    reply.add(static_cast<std::size_t>(size));
    if (reply.text().size() > kMaxReplyBytes) return fail(Errc::internal, "the WireGuard daemon's reply never ends");
  }
  return std::string(reply.text());
}

}  // namespace

Result<UniqueFd> connect_uapi(const std::string& path, Deadline deadline) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return fail(Errc::invalid, fmt::format("socket path {} is too long", path));
  std::memcpy(address.sun_path, path.data(), path.size());
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return std::unexpected(error_from_errno(errno, "open a unix socket"));
  // connect() blocks while the daemon's backlog is full; this bounds it, and connect has no other deadline on unix
  // sockets.
  const auto left = std::max(deadline.left(), std::chrono::milliseconds(1));
  const timeval bound{static_cast<time_t>(left.count() / 1000), static_cast<suseconds_t>(left.count() % 1000 * 1000)};
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound);
  while (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == EINTR) continue;
    if (errno == EAGAIN) return fail(Errc::timeout, fmt::format("connect to {}: the daemon is busy", path));
    if (errno == ENOENT || errno == ECONNREFUSED) return fail(Errc::not_found, fmt::format("nobody serves {}", path));
    return std::unexpected(error_from_errno(errno, fmt::format("connect to {}", path)));
  }
  return socket;
}

Result<std::string> ask_uapi(const std::string& path, std::string_view operation, Deadline deadline) {
  TRY(const UniqueFd socket, connect_uapi(path, deadline));
  TRY_VOID(send_all(socket.get(), operation, deadline));
  return receive_reply(socket.get(), deadline);
}

Result<void> wait_for_hangup(const UniqueFd& connection, Deadline deadline) {
  char sink[256];
  for (;;) {
    TRY(const bool ready, wait_for(connection.get(), POLLIN, deadline));
    if (!ready) return fail(Errc::timeout, "the WireGuard daemon does not end");
    const ssize_t size = ::recv(connection.get(), sink, sizeof sink, MSG_DONTWAIT);
    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) return {};
  }
}

}  // namespace moenet::net
