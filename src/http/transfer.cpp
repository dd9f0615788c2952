#include "http/transfer.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <netinet/in.h>
#include <new>
#include <optional>
#include <string_view>
#include <sys/socket.h>
#include <utility>

#include <curl/curl.h>
#include <fmt/format.h>

#include "base/log.h"

namespace moenet::http {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t kHeaderLimit = 64u << 10;  // chosen: several times what proxies and servers allow
constexpr milliseconds kLongestPoll{60'000};     // the stop and curl's own timers end the poll; this is only a net
constexpr long kKeepaliveSeconds = 25;           // keeps the NAT entry of a held read alive, as WireGuard's 25 s does

struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

// Wiped when freed: the token is in it.
class HeaderList {
 public:
  HeaderList() = default;
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;
  ~HeaderList() {
    for (curl_slist* node = first_; node != nullptr; node = node->next) {
      wipe(node->data, std::string_view(node->data).size());
    }
    curl_slist_free_all(first_);
  }

  bool append(const std::string& line) {
    curl_slist* grown = curl_slist_append(first_, line.c_str());
    if (grown != nullptr) first_ = grown;
    return grown != nullptr;
  }
  curl_slist* first() const { return first_; }

 private:
  curl_slist* first_ = nullptr;
};

// What the callbacks of one exchange fill.
struct Receiving {
  std::size_t body_limit = 0;
  std::size_t header_bytes = 0;
  bool is_too_large = false;
  bool is_out_of_memory = false;
  Response response;
};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// No exception may pass through curl, which is C: it would leave its handle in the middle of a call.
template <typename Action>
bool take(Receiving& receiving, Action action) {
  try {
    action();
  } catch (const std::bad_alloc&) {
    receiving.is_out_of_memory = true;
  }
  return !receiving.is_out_of_memory;
}

// The signatures of CURLOPT_HEADERFUNCTION and CURLOPT_WRITEFUNCTION; a result other than the size ends the transfer.
std::size_t take_header(char* bytes, std::size_t size, std::size_t count, void* context) {
  auto& receiving = *static_cast<Receiving*>(context);
  const std::string_view line(bytes, size * count);
  receiving.header_bytes += line.size();
  if (receiving.header_bytes > kHeaderLimit) {
    receiving.is_too_large = true;
    return 0;
  }
  // A new status line after an interim response such as 100 Continue: what came before was not the answer.
  if (line.starts_with("HTTP/")) receiving.response.headers = {};
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return line.size();
  const bool is_taken =
      take(receiving, [&] { receiving.response.headers.set(line.substr(0, colon), trimmed(line.substr(colon + 1))); });
  return is_taken ? line.size() : 0;
}

std::size_t take_body(char* bytes, std::size_t size, std::size_t count, void* context) {
  auto& receiving = *static_cast<Receiving*>(context);
  const std::size_t length = size * count;
  if (length > receiving.body_limit - receiving.response.body.size()) {
    receiving.is_too_large = true;
    return 0;
  }
  return take(receiving, [&] { receiving.response.body.append(bytes, length); }) ? length : 0;
}

// Whom an exchange may connect to, and whom it may not have.
struct Connecting {
  const std::function<bool(const IpAddress&)>* may_connect = nullptr;
  std::optional<IpAddress> refused;
};

std::optional<IpAddress> address_of(const curl_sockaddr& socket_address) {
  if (socket_address.family == AF_INET) {
    std::array<std::uint8_t, 4> bytes{};
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(socket_address.addr);
    std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
    return IpAddress::v4(bytes);
  }
  if (socket_address.family == AF_INET6) {
    std::array<std::uint8_t, 16> bytes{};
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(socket_address.addr);
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    return IpAddress::v6(bytes);
  }
  return std::nullopt;
}

// The signature of CURLOPT_OPENSOCKETFUNCTION.
curl_socket_t open_allowed_socket(void* context, curlsocktype, curl_sockaddr* target) {
  auto& connecting = *static_cast<Connecting*>(context);
  const auto address = address_of(*target);
  if (!address || !(*connecting.may_connect)(*address)) {
    connecting.refused = address.value_or(IpAddress());
    return CURL_SOCKET_BAD;
  }
  return ::socket(target->family, target->socktype | SOCK_CLOEXEC, target->protocol);
}

bool is_clean(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

Result<void> fill(HeaderList& list, const Request& request, const Secret& token) {
  // curl would wait a second for "100 Continue" before a larger body.
  if (!list.append("Expect:")) return fail(Errc::internal, "out of memory");
  for (const auto& [name, value] : request.headers.all()) {
    if (name.empty() || !is_clean(name) || !is_clean(value)) {
      return fail(Errc::invalid, fmt::format("header \"{}\" holds a line break", escape_for_log(name, 60)));
    }
    // To curl "Name:" removes a header and "Name;" sends an empty one.
    const bool is_added = list.append(value.empty() ? name + ";" : fmt::format("{}: {}", name, value));
    if (!is_added) return fail(Errc::internal, "out of memory");
  }
  if (token.empty()) return {};
  if (!is_clean(token.reveal())) return fail(Errc::invalid, "the token holds a line break");
  std::string line = fmt::format("Authorization: Bearer {}", token.reveal());
  const bool is_added = list.append(line);
  wipe(line.data(), line.size());
  if (!is_added) return fail(Errc::internal, "out of memory");
  return {};
}

// "scheme://host:port" in one spelling, or nothing when the URL is none.
std::optional<std::string> origin_of(const std::string& text) {
  const std::unique_ptr<CURLU, UrlDeleter> url(curl_url());
  if (!url || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) return std::nullopt;
  std::string origin;
  for (const CURLUPart part : {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT}) {
    char* value = nullptr;
    if (curl_url_get(url.get(), part, &value, CURLU_DEFAULT_PORT) != CURLUE_OK) return std::nullopt;
    origin += value;
    origin += ' ';
    curl_free(value);
  }
  std::transform(origin.begin(), origin.end(), origin.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return origin;
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

Errc code_of(CURLcode code) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT: return Errc::timeout;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_LOGIN_DENIED:
    case CURLE_BAD_FUNCTION_ARGUMENT: return Errc::invalid;
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT: return Errc::internal;
    default: return Errc::unavailable;
  }
}

// How a server's late close of an idle connection shows.
bool is_broken_connection(CURLcode code) {
  return code == CURLE_GOT_NOTHING || code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_HTTP2 ||
         code == CURLE_HTTP2_STREAM;
}

// Which of many faults a certificate has only curl's own words tell; those of other errors hold times, which differ
// from one attempt to the next and would make each a new one to who compares.
bool is_of_tls(CURLcode code) {
  return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR || code == CURLE_SSL_CERTPROBLEM ||
         code == CURLE_SSL_ISSUER_ERROR;
}

std::string words_of(CURLcode code, const char* details) {
  if (!is_of_tls(code) || *details == '\0') return curl_easy_strerror(code);
  return fmt::format("{}: {}", curl_easy_strerror(code), escape_for_log(details, 200));
}

// URLs may carry values in their query that are nobody's business in a log.
std::string name_of(const Request& request) {
  return fmt::format("{} {}", request.method, escape_for_log(request.target.substr(0, request.target.find('?')), 200));
}

void set_method(CURL* easy, const Request& request) {
  if (request.method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    return;
  }
  if (request.method == "GET" && request.body.empty()) return;
  curl_easy_setopt(easy, CURLOPT_POST, 1L);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
  if (request.method != "POST") curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

void set_rules(CURL* easy, const TransferLimits& limits) {
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  // A stop must not wait for a resolver thread that hangs in getaddrinfo.
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, kKeepaliveSeconds);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, kKeepaliveSeconds);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits.connect_timeout.count()));
  if (!limits.user_agent.empty()) curl_easy_setopt(easy, CURLOPT_USERAGENT, limits.user_agent.c_str());
}

}  // namespace

struct Transfer::Handles {
  Handles() {
    // Thread-safe by the language; curl's own initialisation is not in every build.
    static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
    assert(initialised == CURLE_OK);
    static_cast<void>(initialised);
    multi = curl_multi_init();
    easy = curl_easy_init();
  }
  ~Handles() {
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
  }

  Result<Response> exchange(const Request& request, const std::string& url, const HeaderList& headers,
                            const TransferLimits& limits, Deadline deadline, const std::stop_token& stop);
  std::optional<CURLcode> drive(Deadline deadline, const std::stop_token& stop);

  CURLM* multi = nullptr;  // holds the open connections
  CURL* easy = nullptr;
};

// Until the exchange ended; nothing when it was stopped first.
std::optional<CURLcode> Transfer::Handles::drive(Deadline deadline, const std::stop_token& stop) {
  // curl_multi_wakeup is the one call that another thread may make.
  const std::stop_callback wake(stop, [this] { curl_multi_wakeup(multi); });
  for (;;) {
    if (stop.stop_requested()) return std::nullopt;
    int running = 0;
    if (curl_multi_perform(multi, &running) != CURLM_OK) return CURLE_FAILED_INIT;
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
      if (message->msg == CURLMSG_DONE) return message->data.result;
    }
    if (deadline.passed()) return CURLE_OPERATION_TIMEDOUT;
    const milliseconds wait = std::min(deadline.left(), kLongestPoll);
    curl_multi_poll(multi, nullptr, 0, static_cast<int>(wait.count()), nullptr);
  }
}

Result<Response> Transfer::Handles::exchange(const Request& request, const std::string& url, const HeaderList& headers,
                                             const TransferLimits& limits, Deadline deadline,
                                             const std::stop_token& stop) {
  // One repetition, on a fresh connection, when a kept one turned out to be dead. curl does so itself unless part of
  // an answer or a reset came; any request may be repeated here, because every POST of this protocol is idempotent.
  for (bool is_repetition = false;; is_repetition = true) {
    Receiving receiving;
    Connecting connecting{&limits.may_connect, std::nullopt};
    receiving.body_limit = limits.body_bytes;
    curl_easy_reset(easy);
    set_rules(easy, limits);
    set_method(easy, request);
    char details[CURL_ERROR_SIZE] = "";
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, details);
    curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.first());
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, is_repetition ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(limits.body_bytes));
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &receiving);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &receiving);
    if (limits.may_connect) {
      curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_allowed_socket);
      curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, &connecting);
    }

    curl_multi_add_handle(multi, easy);
    const std::optional<CURLcode> code = drive(deadline, stop);
    curl_multi_remove_handle(multi, easy);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, nullptr);  // it lives no longer than this attempt

    if (!code) return fail(Errc::cancelled, name_of(request) + ": stopped");
    if (receiving.is_out_of_memory) return fail(Errc::internal, name_of(request) + ": no memory for the answer");
    if (receiving.is_too_large || *code == CURLE_FILESIZE_EXCEEDED) {
      return fail(Errc::invalid,
                  fmt::format("{}: the answer is larger than {} bytes", name_of(request), limits.body_bytes));
    }
    if (*code == CURLE_OK) {
      long status = 0;
      curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
      receiving.response.status = static_cast<int>(status);
      return std::move(receiving.response);
    }
    if (connecting.refused) {
      return fail(Errc::denied, fmt::format("{}: no connections to {}", name_of(request), connecting.refused->text()));
    }
    long new_connections = 0;
    curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &new_connections);
    const bool was_idle = new_connections == 0;
    if (was_idle && !is_repetition && is_broken_connection(*code)) continue;
    return fail(code_of(*code), fmt::format("{}: {}", name_of(request), words_of(*code, details)));
  }
}

Transfer::Transfer() : handles_(std::make_unique<Handles>()) {}
Transfer::~Transfer() = default;

Result<Response> Transfer::run(const Request& request, const Secret& token, const TransferLimits& limits,
                               Deadline deadline, const std::stop_token& stop) {
  if (handles_->easy == nullptr || handles_->multi == nullptr) return fail(Errc::internal, "start libcurl");
  if (!is_clean(request.target) || !is_clean(request.method)) return fail(Errc::invalid, "a URL holds a line break");
  HeaderList headers;
  TRY_VOID(fill(headers, request, token));
  const std::optional<std::string> origin = origin_of(request.target);
  std::string url = request.target;
  for (unsigned followed = 0;; ++followed) {
    TRY(Response response, handles_->exchange(request, url, headers, limits, deadline, stop));
    if (request.method != "GET" || !is_redirect(response.status) || followed == limits.most_redirects) return response;
    char* next = nullptr;
    curl_easy_getinfo(handles_->easy, CURLINFO_REDIRECT_URL, &next);
    if (next == nullptr || !origin || origin_of(next) != origin) return response;
    url = next;
  }
}

}  // namespace moenet::http
