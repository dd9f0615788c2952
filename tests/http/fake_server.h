// A far end that does exactly what a test says: each accepted connection runs the next script on its own thread.
#pragma once

#include <arpa/inet.h>
#include <atomic>
#include <deque>
#include <functional>
#include <mutex>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "base/fd.h"

namespace moenet::http {

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

// One TCP connection as plain text, for both ends. Reads give up after 10 s, so that a failing test ends.
class Line {
 public:
  explicit Line(UniqueFd fd) : fd_(std::move(fd)) {
    const timeval limit{10, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  static Line connect_to(std::uint16_t port) {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = loopback(port);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fd.reset();
    return Line(std::move(fd));
  }

  bool is_open() const { return static_cast<bool>(fd_); }
  int fd() const { return fd_.get(); }
  void close() { fd_.reset(); }
  void send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  // A whole message: its head, and the body that Content-Length announces. What is there when the far end closes first.
  std::string read_message(bool has_body = true) {
    while (buffer_.find("\r\n\r\n") == std::string::npos) {
      if (!receive()) return std::exchange(buffer_, {});
    }
    std::size_t size = buffer_.find("\r\n\r\n") + 4;
    const std::size_t length = buffer_.find("Content-Length: ");
    if (has_body && length < size) size += std::stoul(buffer_.substr(length + 16));
    while (buffer_.size() < size) {
      if (!receive()) break;
    }
    std::string message = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return message;
  }
  // Until the far end closes.
  std::string read_all() {
    while (receive()) {
    }
    return std::exchange(buffer_, {});
  }

 private:
  bool receive() {
    std::array<char, 65536> chunk;
    const ssize_t got = ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
    if (got <= 0) return false;
    buffer_.append(chunk.data(), static_cast<std::size_t>(got));
    return true;
  }

  UniqueFd fd_;
  std::string buffer_;
};

class FakeServer {
 public:
  using Script = std::function<void(Line&)>;

  // Connection n runs script n; the last script serves all later ones.
  explicit FakeServer(std::vector<Script> scripts) : scripts_(std::move(scripts)) {
    listener_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = loopback(0);
    socklen_t length = sizeof address;
    ::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), length);
    ::listen(listener_.get(), 16);
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this] { accept_all(); });
  }
  ~FakeServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
    const std::lock_guard lock(mutex_);
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }

  std::string url(std::string_view path = "/") const { return fmt::format("http://127.0.0.1:{}{}", port_, path); }
  unsigned connections() const { return connections_; }

 private:
  void accept_all() {
    for (;;) {
      UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!fd) return;
      const Script& script = scripts_[std::min<std::size_t>(connections_++, scripts_.size() - 1)];
      const int number = fd.get();
      {
        const std::lock_guard lock(mutex_);
        open_.push_back(number);
      }
      workers_.emplace_back([this, script, number, line = Line(std::move(fd))]() mutable {
        script(line);
        const std::lock_guard lock(mutex_);
        std::erase(open_, number);
        line.close();
      });
    }
  }

  std::vector<Script> scripts_;
  UniqueFd listener_;
  std::uint16_t port_ = 0;
  std::atomic<unsigned> connections_{0};
  std::mutex mutex_;
  std::vector<int> open_;
  std::deque<std::jthread> workers_;  // joined before the members above go
  std::jthread thread_;
};

inline std::string reply(std::string_view status, std::string_view body, std::string_view headers = "") {
  return fmt::format("HTTP/1.1 {}\r\n{}Content-Length: {}\r\n\r\n{}", status, headers, body.size(), body);
}

}  // namespace moenet::http
