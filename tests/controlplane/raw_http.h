// One HTTP exchange over a real socket, bytes in and bytes out, so that tests send exactly what they mean.
#pragma once

#include <arpa/inet.h>
#include <cstdlib>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "http/message.h"

namespace moenet::testing {

class RawConnection {
 public:
  explicit RawConnection(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("connect");
  }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;  // a server that refuses a large body closes early, and still answers
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  bool has_answer_within(int milliseconds) {
    pollfd poller{fd_.get(), POLLIN, 0};
    return ::poll(&poller, 1, milliseconds) > 0;
  }
  // Reads to the end of the connection.
  http::Response response() {
    std::string text;
    char buffer[16384];
    while (has_answer_within(20'000)) {
      const ssize_t got = ::recv(fd_.get(), buffer, sizeof buffer, 0);
      if (got <= 0) break;
      text.append(buffer, static_cast<std::size_t>(got));
    }
    return parse(text);
  }

 private:
  static http::Response parse(std::string_view text) {
    http::Response response;
    response.status = 0;
    const std::size_t end = text.find("\r\n\r\n");
    if (end == std::string_view::npos || text.size() < 12) return response;
    response.status = std::atoi(std::string(text.substr(9, 3)).c_str());
    std::string_view head = text.substr(0, end + 2);
    head.remove_prefix(head.find("\r\n") + 2);
    while (!head.empty()) {
      const std::string_view line = head.substr(0, head.find("\r\n"));
      head.remove_prefix(line.size() + 2);
      const std::size_t colon = line.find(": ");
      if (colon != std::string_view::npos) response.headers.set(line.substr(0, colon), line.substr(colon + 2));
    }
    response.body = text.substr(end + 4);
    return response;
  }

  UniqueFd fd_;
};

using HeaderList = std::vector<std::pair<std::string, std::string>>;

inline std::string request_text(std::string_view method, std::string_view target, const HeaderList& headers,
                                std::string_view body) {
  std::string text =
      std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n";
  for (const auto& [name, value] : headers) text += name + ": " + value + "\r\n";
  if (!body.empty() || method == "POST" || method == "PUT" || method == "PATCH") {
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  }
  return text + "\r\n" + std::string(body);
}

inline http::Response exchange(std::uint16_t port, std::string_view method, std::string_view target,
                               const HeaderList& headers = {}, std::string_view body = {}) {
  RawConnection connection(port);
  connection.send(request_text(method, target, headers, body));
  return connection.response();
}

}  // namespace moenet::testing
