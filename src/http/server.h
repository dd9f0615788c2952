// HttpServer: libmicrohttpd behind a façade of values: a Request comes in, a Response goes out, now or later.
// One epoll thread serves all connections; handlers run on it and must not block: what takes time goes to `Pending`.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "base/clock.h"
#include "base/ip.h"
#include "base/result.h"
#include "http/forwarded.h"
#include "http/message.h"
#include "http/tls.h"

namespace moenet::http {

struct ServerSettings {
  Endpoint listen;  // [::] serves IPv4 too; an IPv4 caller is then shown by its IPv4 address
  // 1,048,576 passes, one more is 413 before anything else is looked at.
  std::size_t body_limit_bytes = 1u << 20;
  // Bodies of all connections that are being read; beyond it a request gets 503. Chosen: 64 of the largest.
  std::size_t most_body_bytes_at_once = 64u << 20;
  // Answers larger than 4 KiB that are being sent; beyond it whoever reads slowest is cut, or the next gets 503.
  // Chosen: a list of 4 MB for 64 nodes at once.
  std::size_t most_answer_bytes_at_once = 256u << 20;
  std::size_t header_limit_bytes = 16u << 10;
  // Beyond seven eighths of them whoever is at its request, its answer or at nothing for longest is cut.
  unsigned most_connections = 4'096;
  unsigned most_connections_per_address = 0;  // 0: no limit
  std::chrono::seconds idle_timeout{120};     // until the first line of a request is there
  // From a request's first line to the end of its body; then the connection is cut, however busy it is. Chosen: the
  // largest body at 35 kB/s.
  std::chrono::milliseconds request_timeout{30'000};
  std::shared_ptr<const TlsIdentity> tls;  // null: plain HTTP
  ProxyTrust proxies;
};

// A response that is not ready yet. Thread-safe; the first of answer() and the timeout wins, later ones are ignored. A
// caller who hung up (or closed its sending side) is no error: its connection is freed at once, the answer is dropped.
class Pending {
 public:
  // `on_timeout` makes the response when nobody answered within `span`; it runs on the server's thread.
  Pending(std::chrono::milliseconds span, std::function<Response()> on_timeout);
  void answer(Response response);
  // Answered, timed out, or the caller is gone: there is nobody left to answer.
  bool is_answered() const;

  struct State;
  const std::shared_ptr<State>& state() const { return state_; }

 private:
  std::shared_ptr<State> state_;
};

using Answer = std::variant<Response, std::shared_ptr<Pending>>;
// The body is the handler's to take.
using Handler = std::function<Answer(Request&)>;
// Puts into a response what all have, on the server's thread; also into those that the server makes itself (413, 500,
// 503) and a Pending's timeout. The request has its body no longer. Not for what is no HTTP, which the library answers.
using Finish = std::function<void(const Request&, Response&)>;

class HttpServer {
 public:
  // Listens at once. Exceptions of `handler` become 500 `text/plain` "Internal Server Error" and a log line. The
  // Content-Length of a response is the server's own; a response to HEAD is sent without its body.
  // Errors: conflict ("listen on 127.0.0.1:24368: address already in use"), denied, invalid.
  static Result<std::unique_ptr<HttpServer>> start(ServerSettings settings, Handler handler, Finish finish = {});
  ~HttpServer();  // open connections are closed; waiting ones are dropped. Never call it from a handler

  std::uint16_t port() const;  // the actual one, when `listen.port` was 0

  // For connections and requests that begin from now on. Not for a server that was started without TLS.
  void show(std::shared_ptr<const TlsIdentity> identity);
  void trust(ProxyTrust proxies);

  // Takes no more connections (who waits in the kernel's queue is still taken), and ends each one after its answer.
  void stop_accepting();
  // The same, and returns when the last request has its answer: true; or at the deadline: false, and what still waits
  // has the answer of its timeout. The destructor does the rest.
  bool finish_requests(Deadline deadline);

  // Rises as the server's thread works. It is idle when nobody asks anything; `pulse` gives it something to do.
  std::uint64_t progress() const;
  void pulse();

 private:
  struct State;
  explicit HttpServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace moenet::http
