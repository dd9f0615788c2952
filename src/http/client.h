// HttpClient: requests with a deadline and a stop, repeated by a RetryPolicy, behind a CircuitBreaker, over libcurl.
// TLS is verified, bodies are capped, redirects never carry the token to another origin, and no cookie, .netrc or proxy
// is used: a proxy named by the environment would see the token of every plain http:// control plane.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/ip.h"
#include "base/result.h"
#include "base/secret.h"
#include "http/attempts.h"
#include "http/circuit_breaker.h"
#include "http/message.h"
#include "http/retry_policy.h"

namespace moenet::http {

struct ClientSettings {
  RetryPolicy retry;
  BreakerSettings breaker;
  // 10,000 sessions are 4 MB; an answer beyond the limit is refused, not cut.
  std::size_t body_limit_bytes = 64u << 20;
  std::chrono::milliseconds connect_timeout{5'000};
  // GET only, same scheme, host and port only; other redirects are returned as they are.
  unsigned most_redirects = 3;
  std::string user_agent;
  // Asked for each address before a connection to it is tried, so that a name cannot lead to where nobody may go,
  // whatever it resolves to by then. Null: all may. Called by the sending threads.
  std::function<bool(const IpAddress&)> may_connect = nullptr;
};

// Thread-safe: several tasks share one, and with it the breaker and the open connections.
class HttpClient {
 public:
  explicit HttpClient(ClientSettings settings);
  ~HttpClient();

  // `token`, when not empty, is sent as `Authorization: Bearer`. `attempt_timeout` bounds one attempt, `deadline` all
  // of them with their waits. A response of any status is a value. The breaker counts attempts; once it is open the
  // outcome of the last one is returned without further repetition. Errors: unavailable (network, or "circuit breaker
  // open for 12 s"), timeout, cancelled, invalid (bad URL or header, body over the limit).
  Result<Response> send(const Request& request, const Secret& token, std::chrono::milliseconds attempt_timeout,
                        Deadline deadline, const std::stop_token& stop);

  ClientCounters counters() const;
  BreakerView breaker() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace moenet::http
