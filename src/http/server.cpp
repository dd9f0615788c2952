// Facts of libmicrohttpd that this rests on: the access handler is called once with the headers, once per piece of the
// body, once at its end, and again after each resume; a response queued at the first call closes the connection, one in
// the middle of a body is refused; all connections must be resumed before MHD_stop_daemon.
#include "http/server.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <atomic>
#include <charconv>
#include <condition_variable>
#include <cstdarg>
#include <cstring>
#include <exception>
#include <mutex>
#include <netinet/in.h>
#include <optional>
#include <strings.h>
#include <sys/socket.h>
#include <utility>

#include <fmt/format.h>
#include <microhttpd.h>

#include "base/fd.h"
#include "base/latest.h"
#include "base/log.h"
#include "http/connections.h"
#include "http/framing.h"
#include "http/listener.h"
#include "http/parking.h"
#include "http/pending.h"
#include "http/target.h"

namespace moenet::http {

namespace {

// A body over the limit is read to its end and dropped, so that the caller sees the 413 and no reset; past this many
// times the limit the connection is cut.
constexpr std::size_t kDrainFactor = 16;
// A caller who does not read its answer does not hold up a stop for longer (chosen: SIGTERM is done in under 1 s).
constexpr std::chrono::milliseconds kEndWithin{500};

Response payload_too_large() {
  Response response;
  response.status = 413;
  response.headers.set("Content-Type", "application/octet-stream");
  response.body = "Payload Too Large";
  return response;
}

Response overloaded() {
  Response response = Response::text(503, "Service Unavailable");
  response.headers.set("Retry-After", "1");
  return response;
}

Response internal_error() { return Response::text(500, "Internal Server Error"); }

bool equal_without_case(const char* a, std::string_view b) {
  return std::strlen(a) == b.size() && ::strncasecmp(a, b.data(), b.size()) == 0;
}

// Out of descriptors, with nobody connected whose end would free one, the library tries to accept in a loop without a
// pause, and says so each time round ("Hit process or system resource limit at FIRST connection",
// MHD_accept_connection() in its daemon.c): here is where it can be slowed down. Chosen: who asks is answered soon
// after there are some again.
constexpr std::string_view kOutOfResources = "resource limit";
constexpr std::chrono::milliseconds kPauseWithoutResources{100};

void log_of_library(void*, const char* format, std::va_list arguments) {
  std::array<char, 500> line{};
  std::vsnprintf(line.data(), line.size(), format, arguments);
  log::debug("http server", {{"text", std::string_view(line.data())}});
  if (std::string_view(format).contains(kOutOfResources)) Wakeup().wait(Deadline::after(kPauseWithoutResources), {});
}

MHD_Result take_header(void* context, MHD_ValueKind, const char* name, const char* value) {
  // The library leaves the blanks after a value, which are no part of it (RFC 9112 section 5.1).
  std::string_view text = value == nullptr ? "" : value;
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  static_cast<Request*>(context)->headers.add(name, text);
  return MHD_YES;
}

void free_body(void* context) { delete static_cast<std::string*>(context); }

// Takes the response's body.
MHD_Result queue(MHD_Connection* connection, Response response) {
  auto* body = new std::string(std::move(response.body));
  MHD_Response* made =
      MHD_create_response_from_buffer_with_free_callback_cls(body->size(), body->data(), &free_body, body);
  if (made == nullptr) {
    delete body;
    return MHD_NO;
  }
  for (const auto& [name, value] : response.headers.all()) {
    // The length is the library's; it refuses a name or value with a line break, which is then left out.
    if (!equal_without_case("Content-Length", name)) MHD_add_response_header(made, name.c_str(), value.c_str());
  }
  const MHD_Result queued = MHD_queue_response(connection, static_cast<unsigned>(response.status), made);
  MHD_destroy_response(made);
  return queued;
}

std::optional<std::uint64_t> content_length_of(MHD_Connection* connection) {
  const char* text = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
  if (text == nullptr) return std::nullopt;
  std::uint64_t value = 0;
  const char* end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, value);
  if (error == std::errc::result_out_of_range) return UINT64_MAX;
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

// What `make` returns, or 500 when it throws: a bug of a handler is one caller's fault only.
template <class Made, class Make>
Made made_or_500(const Request& request, const Make& make) {
  std::string what = "an exception that is no std::exception";
  try {
    return make();
  } catch (const std::exception& exception) {
    what = exception.what();
  } catch (...) {
  }
  log::error("http handler failed", {{"method", request.method}, {"path", request.target}, {"error", what}});
  return internal_error();
}

// One request from its first line to the end of its response. Only the server's thread touches it, except `left`.
struct Exchange {
  Request request;
  bool is_begun = false;
  std::size_t body_bytes = 0;       // received
  std::size_t counted_bytes = 0;    // of them in the server's sum
  std::optional<Response> refusal;  // instead of what the handler would say, once the body has been read
  std::shared_ptr<Pending::State> pending;
  Leave left = Leave::answered;  // written before the resume, read after it
};

}  // namespace

struct HttpServer::State {
  ServerSettings settings;
  Handler handler;
  Finish finish;
  std::uint16_t port = 0;
  std::atomic<std::size_t> body_bytes{0};
  std::shared_ptr<Parking> parking = std::make_shared<Parking>();
  MHD_Daemon* daemon = nullptr;
  std::unique_ptr<Connections> connections;
  std::mutex mutex;          // of requests, which the library's thread changes
  std::size_t requests = 0;  // under way
  std::condition_variable a_request_ended;
  std::atomic<bool> is_ending{false};
  std::atomic<std::uint64_t> progress{0};
  Latest<TlsIdentity> identity;
  Latest<ProxyTrust> proxies;

  Result<void> listen();
  MHD_Daemon* start_daemon(int socket);
  void stop_accepting();
  bool finish_requests(Deadline deadline);
  void stop();
  MHD_Result begin(MHD_Connection* connection, Exchange& exchange, const char* method, const char* version);
  void take_body(Exchange& exchange, std::string_view piece);
  MHD_Result answer(MHD_Connection* connection, Exchange& exchange);
  MHD_Result park(MHD_Connection* connection, Exchange& exchange);
  MHD_Result answer_parked(MHD_Connection* connection, Exchange& exchange);
  MHD_Result send(MHD_Connection* connection, const Exchange& exchange, Response response);
  void release_body(Exchange& exchange);

  static void on_connection(void* context, MHD_Connection* connection, void** kept,
                            MHD_ConnectionNotificationCode what);
  static void* on_target(void* context, const char* target, MHD_Connection* connection);
  static MHD_Result on_access(void* context, MHD_Connection* connection, const char*, const char* method,
                              const char* version, const char* piece, std::size_t* piece_bytes, void** exchange);
  static void on_completed(void* context, MHD_Connection* connection, void** exchange, MHD_RequestTerminationCode);
};

namespace {

int socket_of(MHD_Connection* connection) {
  const MHD_ConnectionInfo* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  return info == nullptr ? -1 : info->connect_fd;
}

}  // namespace

// A connection keeps the identity that it shows: the library's session only points to it.
void HttpServer::State::on_connection(void* context, MHD_Connection* connection, void** kept,
                                      MHD_ConnectionNotificationCode what) {
  auto& state = *static_cast<State*>(context);
  ++state.progress;
  using Kept = std::shared_ptr<const TlsIdentity>;
  if (what != MHD_CONNECTION_NOTIFY_STARTED) {
    delete static_cast<Kept*>(std::exchange(*kept, nullptr));
  } else if (const Kept shown = state.identity.read()) {
    const MHD_ConnectionInfo* tls = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (tls != nullptr && tls->tls_session != nullptr) {
      shown->show_on(tls->tls_session);
      *kept = new Kept(shown);
    }
  }
  if (what == MHD_CONNECTION_NOTIFY_STARTED) {
    state.connections->opened(socket_of(connection));
  } else {  // before the library closes it
    state.connections->closed(socket_of(connection));
  }
}

void* HttpServer::State::on_target(void* context, const char* target, MHD_Connection* connection) {
  auto* exchange = new Exchange;
  auto& state = *static_cast<State*>(context);
  ++state.progress;
  {
    const std::lock_guard lock(state.mutex);
    ++state.requests;
  }
  state.connections->reads(socket_of(connection));
  Target parsed = parse_target(target);
  exchange->request.target = std::move(parsed.path);
  exchange->request.query = std::move(parsed.query);
  return exchange;
}

void HttpServer::State::on_completed(void* context, MHD_Connection* connection, void** exchange,
                                     MHD_RequestTerminationCode) {
  auto* ended = static_cast<Exchange*>(*exchange);
  if (ended == nullptr) return;
  auto& state = *static_cast<State*>(context);
  state.connections->rests(socket_of(connection));
  state.release_body(*ended);
  if (ended->pending) ended->pending->finish();
  delete ended;
  *exchange = nullptr;
  ++state.progress;
  const std::lock_guard lock(state.mutex);
  if (--state.requests == 0) state.a_request_ended.notify_all();
}

MHD_Result HttpServer::State::on_access(void* context, MHD_Connection* connection, const char*, const char* method,
                                        const char* version, const char* piece, std::size_t* piece_bytes,
                                        void** exchange) {
  auto& state = *static_cast<State*>(context);
  auto* current = static_cast<Exchange*>(*exchange);
  if (current == nullptr) return MHD_NO;
  ++state.progress;
  if (!current->is_begun) return state.begin(connection, *current, method, version);
  if (*piece_bytes != 0) {
    state.take_body(*current, {piece, *piece_bytes});
    *piece_bytes = 0;
    return current->body_bytes <= state.settings.body_limit_bytes * kDrainFactor ? MHD_YES : MHD_NO;
  }
  return current->pending ? state.answer_parked(connection, *current) : state.answer(connection, *current);
}

MHD_Result HttpServer::State::begin(MHD_Connection* connection, Exchange& exchange, const char* method,
                                    const char* version) {
  exchange.is_begun = true;
  exchange.request.method = method;
  MHD_get_connection_values(connection, MHD_HEADER_KIND, &take_header, &exchange.request);
  const MHD_ConnectionInfo* peer = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  if (peer != nullptr) {
    Origin origin =
        origin_of(peer_text(peer->client_addr), settings.tls != nullptr, exchange.request.headers, *proxies.read());
    exchange.request.peer = std::move(origin.address);
    exchange.request.is_secure = origin.is_secure;
  }
  // Before the body, which the library would read as it likes; the answer ends the connection.
  if (const auto fault = framing_fault(exchange.request.headers, version))
    return send(connection, exchange, Response::text(400, std::string(*fault)));
  const auto length = content_length_of(connection);
  if (!length || *length <= settings.body_limit_bytes) return MHD_YES;
  exchange.refusal = payload_too_large();
  // A caller who waits for "100 Continue", or has far too much to say, hears it before the body.
  const bool is_waiting = exchange.request.headers.find("Expect").has_value();
  if (is_waiting || *length > settings.body_limit_bytes * kDrainFactor)
    return send(connection, exchange, payload_too_large());
  return MHD_YES;
}

void HttpServer::State::take_body(Exchange& exchange, std::string_view piece) {
  exchange.body_bytes += piece.size();
  if (exchange.refusal) return;
  if (exchange.body_bytes > settings.body_limit_bytes) {
    exchange.refusal = payload_too_large();
  } else if (body_bytes.fetch_add(piece.size()) + piece.size() > settings.most_body_bytes_at_once) {
    body_bytes.fetch_sub(piece.size());
    exchange.refusal = overloaded();
  } else {
    exchange.counted_bytes += piece.size();
    exchange.request.body += piece;
    return;
  }
  release_body(exchange);
}

void HttpServer::State::release_body(Exchange& exchange) {
  body_bytes.fetch_sub(std::exchange(exchange.counted_bytes, 0));
  exchange.request.body = std::string();
}

MHD_Result HttpServer::State::send(MHD_Connection* connection, const Exchange& exchange, Response response) {
  const int socket = socket_of(connection);
  if (!connections->sends(socket, response.body.size())) {
    response = overloaded();
    connections->sends(socket, response.body.size());  // a small one always has room
  }
  if (finish) finish(exchange.request, response);
  if (is_ending) response.headers.set("Connection", "close");
  return queue(connection, std::move(response));
}

MHD_Result HttpServer::State::answer(MHD_Connection* connection, Exchange& exchange) {
  connections->waits(socket_of(connection));  // its handler takes what time it takes
  if (exchange.refusal) return send(connection, exchange, *std::move(exchange.refusal));
  Answer answer = made_or_500<Answer>(exchange.request, [&] { return handler(exchange.request); });
  release_body(exchange);
  if (auto* response = std::get_if<Response>(&answer)) return send(connection, exchange, std::move(*response));
  exchange.pending = std::get<std::shared_ptr<Pending>>(answer)->state();
  return park(connection, exchange);
}

MHD_Result HttpServer::State::park(MHD_Connection* connection, Exchange& exchange) {
  Parking::Place place;
  place.socket = socket_of(connection);
  place.suspend = [connection] { MHD_suspend_connection(connection); };
  place.resume = [connection, &exchange](Leave why) {
    exchange.left = why;
    MHD_resume_connection(connection);
  };
  // Parked first: an answer that comes between the two must find the ticket.
  const std::shared_ptr<Pending::State> pending = exchange.pending;
  const std::uint64_t ticket = parking->park(std::move(place), Deadline::after(pending->span).at());
  if (ticket == 0) return send(connection, exchange, overloaded());
  // The maker of the answer may outlive the server.
  pending->attach([weak = std::weak_ptr(parking), ticket] {
    if (const auto held = weak.lock()) held->leave(ticket, Leave::answered);
  });
  return MHD_YES;
}

MHD_Result HttpServer::State::answer_parked(MHD_Connection* connection, Exchange& exchange) {
  const std::shared_ptr<Pending::State> pending = std::exchange(exchange.pending, nullptr);
  std::optional<Response> response = pending->finish();
  switch (exchange.left) {
    case Leave::gone:
    case Leave::stopped: return MHD_NO;
    case Leave::answered:
    case Leave::timed_out: break;
  }
  if (response) return send(connection, exchange, *std::move(response));
  return send(connection, exchange, made_or_500<Response>(exchange.request, pending->on_timeout));
}

Result<void> HttpServer::State::listen() {
  TRY(UniqueFd socket, listen_on(settings.listen));
  port = local_port(socket.get());
  TRY_VOID(parking->start());
  daemon = start_daemon(socket.get());
  if (daemon == nullptr) return fail(Errc::internal, "listen on " + settings.listen.text() + ": libmicrohttpd refused");
  socket.release();  // the daemon closes it
  return {};
}

MHD_Daemon* HttpServer::State::start_daemon(int socket) {
  unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG;
  std::vector<MHD_OptionItem> tls;
  // The library wants bytes that it may change, and changes none.
  const auto text = [](std::string_view bytes) { return const_cast<char*>(bytes.data()); };
  if (settings.tls) {
    flags |= MHD_USE_TLS;
    tls = {{MHD_OPTION_HTTPS_MEM_CERT, 0, text(settings.tls->certificate_pem())},
           {MHD_OPTION_HTTPS_MEM_KEY, 0, text(settings.tls->key_pem().reveal())},
           {MHD_OPTION_HTTPS_PRIORITIES, 0, text(kTlsPriorities)}};
  }
  tls.push_back({MHD_OPTION_END, 0, nullptr});
  // The library keeps a request's headers and a response's headers in one pool per connection.
  const std::size_t pool_bytes = settings.header_limit_bytes * 2;
  return MHD_start_daemon(flags, 0, nullptr, nullptr, &on_access, this, MHD_OPTION_EXTERNAL_LOGGER, &log_of_library,
                          nullptr, MHD_OPTION_LISTEN_SOCKET, socket, MHD_OPTION_URI_LOG_CALLBACK, &on_target, this,
                          MHD_OPTION_NOTIFY_COMPLETED, &on_completed, this, MHD_OPTION_NOTIFY_CONNECTION,
                          &on_connection, this, MHD_OPTION_CONNECTION_LIMIT, settings.most_connections,
                          MHD_OPTION_PER_IP_CONNECTION_LIMIT, settings.most_connections_per_address,
                          MHD_OPTION_CONNECTION_TIMEOUT, static_cast<unsigned>(settings.idle_timeout.count()),
                          MHD_OPTION_CONNECTION_MEMORY_LIMIT, pool_bytes, MHD_OPTION_ARRAY, tls.data(), MHD_OPTION_END);
}

namespace {

// Who has connected and was not accepted yet would else see a reset.
void take_queued(MHD_Daemon* daemon, int listener) {
  for (;;) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    const int socket =
        ::accept4(listener, reinterpret_cast<sockaddr*>(&address), &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (socket < 0) return;
    MHD_add_connection(daemon, socket, reinterpret_cast<sockaddr*>(&address), length);  // it closes what it refuses
  }
}

}  // namespace

void HttpServer::State::stop_accepting() {
  if (is_ending.exchange(true)) return;
  if (const UniqueFd listener(MHD_quiesce_daemon(daemon)); listener) take_queued(daemon, listener.get());
}

bool HttpServer::State::finish_requests(Deadline deadline) {
  stop_accepting();
  std::unique_lock lock(mutex);
  const auto is_done = [this] { return requests == 0; };
  if (a_request_ended.wait_until(lock, deadline.at(), is_done)) return true;
  lock.unlock();
  parking->end_waits();
  lock.lock();
  a_request_ended.wait_for(lock, kEndWithin, is_done);
  return false;
}

// Connections end before the library stops: in 0.9.75 a malformed request that it reads while it stops crashes it (its
// MHD_queue_response() then takes no response, and its own answer of 400 needs one; seen).
void HttpServer::State::stop() {
  parking->close();  // resumes every waiting connection, which stopping needs
  if (daemon == nullptr) return;
  const UniqueFd listener(MHD_quiesce_daemon(daemon));  // ours to close from now on
  connections->end_reading();  // no more requests are taken, and answers under way are sent to their end
  connections->wait_until_none(kEndWithin);
  MHD_stop_daemon(std::exchange(daemon, nullptr));
}

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

HttpServer::~HttpServer() { state_->stop(); }

Result<std::unique_ptr<HttpServer>> HttpServer::start(ServerSettings settings, Handler handler, Finish finish) {
  auto state = std::make_unique<State>();
  state->identity.put(settings.tls);
  state->proxies.put(settings.proxies);
  state->connections =
      std::make_unique<Connections>(ConnectionLimits{settings.most_connections, settings.most_answer_bytes_at_once,
                                                     settings.idle_timeout, settings.request_timeout},
                                    state->parking);
  state->settings = std::move(settings);
  state->handler = std::move(handler);
  state->finish = std::move(finish);
  TRY_VOID(state->listen());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

std::uint16_t HttpServer::port() const { return state_->port; }

void HttpServer::show(std::shared_ptr<const TlsIdentity> identity) { state_->identity.put(std::move(identity)); }
void HttpServer::trust(ProxyTrust proxies) { state_->proxies.put(std::move(proxies)); }
void HttpServer::stop_accepting() { state_->stop_accepting(); }
bool HttpServer::finish_requests(Deadline deadline) { return state_->finish_requests(deadline); }
std::uint64_t HttpServer::progress() const { return state_->progress; }

// A connection that says nothing: the server's thread notes it when it takes it. One that is refused, because all are
// in use, needs none: those that are in use are progress.
void HttpServer::pulse() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) return;
  const UniqueFd ours(ends[0]);
  sockaddr_in nowhere{};
  nowhere.sin_family = AF_INET;
  MHD_add_connection(state_->daemon, ends[1], reinterpret_cast<sockaddr*>(&nowhere), sizeof nowhere);
}

}  // namespace moenet::http
