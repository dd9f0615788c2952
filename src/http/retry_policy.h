// RetryPolicy: whether and when a request is repeated. Pure: attempt, result and randomness come in, a wait comes out.
// Repeated: network errors, 5xx and 429; nothing else, because the same question would get the same answer.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/message.h"

namespace moenet::http {

struct RetryPolicy {
  unsigned max_retries = 3;
  Backoff backoff{std::chrono::milliseconds(1000), std::chrono::milliseconds(30'000)};

  // How long to wait before repetition number `attempt` (0 is the first), or nothing when it ends here. `fraction` in
  // [0,1] is the jitter. A Retry-After of a 429 or 503 is the least wait; when it exceeds `backoff.cap` it is cut to
  // that.
  std::optional<std::chrono::milliseconds> wait_after(const Result<Response>& outcome, unsigned attempt,
                                                      double fraction, WallTime now) const;
};

// A date of HTTP, "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7). The two obsolete forms are not read.
std::optional<WallTime> parse_http_date(std::string_view text);

// Retry-After in either form (RFC 9110 section 10.2.3): seconds, or an IMF-fixdate.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view value, WallTime now);

// Does this outcome speak against the server's health? Network errors, timeouts and 5xx do; 4xx (429 too) and a stop of
// ours do not.
bool is_failure(const Result<Response>& outcome);

}  // namespace moenet::http
