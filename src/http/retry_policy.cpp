#include "http/retry_policy.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace moenet::http {

namespace {

constexpr int kTooManyRequests = 429;
constexpr int kServiceUnavailable = 503;

bool is_server_error(int status) { return status >= 500 && status <= 599; }

bool is_network_error(Errc code) {
  switch (code) {
    case Errc::unavailable:
    case Errc::timeout:
    case Errc::internal: return true;
    case Errc::invalid:
    case Errc::not_found:
    case Errc::conflict:
    case Errc::denied:
    case Errc::cancelled: return false;
  }
  return false;
}

bool may_repeat(const Result<Response>& outcome) {
  if (!outcome) return is_network_error(outcome.error().code);
  return outcome->status == kTooManyRequests || is_server_error(outcome->status);
}

// Exactly `text`, all of it digits.
std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text[0] == '-') return std::nullopt;
  return value;
}

std::optional<std::chrono::seconds> retry_after_of(const Result<Response>& outcome, WallTime now) {
  if (!outcome || (outcome->status != kTooManyRequests && outcome->status != kServiceUnavailable)) return std::nullopt;
  const auto value = outcome->headers.find("Retry-After");
  return value ? parse_retry_after(*value, now) : std::nullopt;
}

}  // namespace

std::optional<std::chrono::milliseconds> RetryPolicy::wait_after(const Result<Response>& outcome, unsigned attempt,
                                                                 double fraction, WallTime now) const {
  if (attempt >= max_retries || !may_repeat(outcome)) return std::nullopt;
  const std::chrono::milliseconds wait = backoff.delay(attempt, fraction);
  const auto asked = retry_after_of(outcome, now);
  if (!asked) return wait;
  // Compared in seconds: a huge Retry-After would overflow as milliseconds.
  const auto cap = std::chrono::ceil<std::chrono::seconds>(backoff.cap);
  return std::max(wait, *asked >= cap ? backoff.cap : std::chrono::milliseconds(*asked));
}

// Fixed columns.
std::optional<WallTime> parse_http_date(std::string_view text) {
  constexpr std::string_view kShape = "www, dd mmm yyyy hh:mm:ss GMT";
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != kShape.size() || !text.ends_with(" GMT")) return std::nullopt;
  for (const std::size_t at : {3u, 4u, 7u, 11u, 16u, 19u, 22u}) {
    if (text[at] != kShape[at]) return std::nullopt;
  }
  const auto month = std::find(kMonths.begin(), kMonths.end(), text.substr(8, 3));
  const auto day = number_of(text.substr(5, 2));
  const auto year = number_of(text.substr(12, 4));
  const auto hour = number_of(text.substr(17, 2));
  const auto minute = number_of(text.substr(20, 2));
  const auto second = number_of(text.substr(23, 2));
  if (month == kMonths.end() || !day || !year || !hour || !minute || !second) return std::nullopt;
  if (*hour > 23 || *minute > 59 || *second > 60) return std::nullopt;  // 60 is a leap second
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(static_cast<unsigned>(month - kMonths.begin()) + 1),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second);
}

std::optional<std::chrono::seconds> parse_retry_after(std::string_view value, WallTime now) {
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
  if (value.empty()) return std::nullopt;
  if (const auto seconds = number_of(value)) return std::chrono::seconds(*seconds);
  const auto at = parse_http_date(value);
  if (!at) return std::nullopt;
  return std::max(std::chrono::seconds(0), std::chrono::ceil<std::chrono::seconds>(*at - now));
}

bool is_failure(const Result<Response>& outcome) {
  return outcome ? is_server_error(outcome->status) : is_network_error(outcome.error().code);
}

}  // namespace moenet::http
