// Retry-After: never negative, and a retry never waits longer than the cap.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "http/retry_policy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace moenet;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const WallTime now{std::chrono::seconds(1'700'000'000)};
  const auto parsed = http::parse_retry_after(text, now);
  if (parsed && parsed->count() < 0) std::abort();
  http::Response response;
  response.status = 429;
  response.headers.set("Retry-After", text);
  const http::RetryPolicy policy;
  const auto wait = policy.wait_after(Result<http::Response>(response), 0, 0.5, now);
  if (!wait || wait->count() < 0 || *wait > policy.backoff.cap) std::abort();
  return 0;
}
