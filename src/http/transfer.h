// Transfer: one HTTP exchange over libcurl, no repetition and no breaker: those are HttpClient's. The only file beside
// transfer.cpp that knows curl.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/ip.h"
#include "base/result.h"
#include "base/secret.h"
#include "http/message.h"

namespace moenet::http {

struct TransferLimits {
  std::size_t body_bytes = 0;
  std::chrono::milliseconds connect_timeout{0};
  unsigned most_redirects = 0;
  std::string user_agent;
  std::function<bool(const IpAddress&)> may_connect = nullptr;  // as ClientSettings
};

// Owns a handle and its open connections. One thread at a time.
class Transfer {
 public:
  Transfer();
  ~Transfer();

  // Follows redirects of a GET within the origin. A connection that the server closed while it was idle costs nothing:
  // the request is sent again on a new one. Errors: those of HttpClient::send.
  Result<Response> run(const Request& request, const Secret& token, const TransferLimits& limits, Deadline deadline,
                       const std::stop_token& stop);

 private:
  struct Handles;
  std::unique_ptr<Handles> handles_;
};

}  // namespace moenet::http
