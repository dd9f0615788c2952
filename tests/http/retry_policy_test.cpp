#include "http/retry_policy.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace moenet::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const WallTime kNow = std::chrono::sys_days(std::chrono::year(1994) / 11 / 6) + std::chrono::hours(8) +
                      std::chrono::minutes(49) + seconds(37);

Result<Response> status(int code, std::string_view retry_after = "") {
  Response response;
  response.status = code;
  if (!retry_after.empty()) response.headers.set("Retry-After", retry_after);
  return response;
}

TEST(RetryPolicy, RepeatsOnlyWhatMayEndDifferently) {
  const RetryPolicy policy;
  for (const int code : {500, 502, 503, 504, 599, 429})
    EXPECT_TRUE(policy.wait_after(status(code), 0, 1, kNow)) << code;
  for (const int code : {200, 304, 302, 400, 401, 403, 404, 409, 413, 422, 600}) {
    EXPECT_FALSE(policy.wait_after(status(code), 0, 1, kNow)) << code;
  }
  for (const Errc code : {Errc::unavailable, Errc::timeout}) EXPECT_TRUE(policy.wait_after(fail(code, ""), 0, 1, kNow));
  for (const Errc code : {Errc::cancelled, Errc::invalid, Errc::denied, Errc::not_found, Errc::conflict}) {
    EXPECT_FALSE(policy.wait_after(fail(code, ""), 0, 1, kNow));
  }
}

TEST(RetryPolicy, EndsAfterMaxRetries) {
  const RetryPolicy policy;
  EXPECT_TRUE(policy.wait_after(status(500), 2, 1, kNow));
  EXPECT_FALSE(policy.wait_after(status(500), 3, 1, kNow));
}

TEST(RetryPolicy, WaitsByBackoffAndAtLeastAsRetryAfterSays) {
  struct Case {
    int code;
    std::string_view retry_after;
    unsigned attempt;
    double fraction;
    int wait_ms;
  };
  RetryPolicy policy;
  policy.max_retries = 100;
  for (const Case& c : std::vector<Case>{{500, "", 0, 1.0, 1000},
                                         {500, "", 2, 0.5, 2000},
                                         {500, "", 50, 1.0, 30'000},
                                         {500, "9", 0, 1.0, 1000},  // only 429 and 503 may ask
                                         {429, "2", 0, 0.0, 2000},
                                         {429, "2", 3, 1.0, 8000},
                                         {503, "0", 0, 0.5, 500},
                                         {503, "31", 0, 0.0, 30'000},
                                         {503, "9223372036854775807", 0, 0.0, 30'000},
                                         {503, "Sun, 06 Nov 1994 08:49:42 GMT", 0, 0.0, 5000},
                                         {503, "Sun, 06 Nov 1994 08:49:30 GMT", 0, 0.0, 0},
                                         {429, "soon", 0, 1.0, 1000}}) {
    EXPECT_EQ(policy.wait_after(status(c.code, c.retry_after), c.attempt, c.fraction, kNow), milliseconds(c.wait_ms))
        << c.code << ' ' << c.retry_after << ' ' << c.attempt;
  }
}

TEST(ParseRetryAfter, ReadsSecondsAndFixdates) {
  struct Case {
    std::string_view text;
    std::optional<int> expected;
  };
  for (const Case& c : std::vector<Case>{{"0", 0},
                                         {" 120 ", 120},
                                         {"Sun, 06 Nov 1994 08:50:37 GMT", 60},
                                         {"Sun, 06 Nov 1994 08:49:37 GMT", 0},
                                         {"", std::nullopt},
                                         {" ", std::nullopt},
                                         {"-1", std::nullopt},
                                         {"+1", std::nullopt},
                                         {"1.5", std::nullopt},
                                         {"99999999999999999999", std::nullopt},
                                         {"Sun, 31 Feb 1994 08:49:37 GMT", std::nullopt},
                                         {"Sun, 06 Now 1994 08:49:37 GMT", std::nullopt},
                                         {"Sun, 06 Nov 1994 24:49:37 GMT", std::nullopt},
                                         {"Sun, 06 Nov 1994 08:49:37 CET", std::nullopt},
                                         {"Sunday, 06-Nov-94 08:49:37 GMT", std::nullopt}}) {
    const auto parsed = parse_retry_after(c.text, kNow);
    EXPECT_EQ(parsed, c.expected ? std::optional(seconds(*c.expected)) : std::nullopt) << c.text;
  }
}

RC_GTEST_PROP(ParseRetryAfter, IsNeverNegative, (const std::string& text)) {
  const auto parsed = parse_retry_after(text, kNow);
  RC_ASSERT(parsed.value_or(seconds(0)) >= seconds(0));
}

TEST(IsFailure, SpeaksOfTheServersHealthOnly) {
  EXPECT_TRUE(is_failure(status(500)));
  EXPECT_TRUE(is_failure(fail(Errc::timeout, "")));
  EXPECT_TRUE(is_failure(fail(Errc::unavailable, "")));
  for (const int code : {200, 304, 401, 404, 422, 429}) EXPECT_FALSE(is_failure(status(code))) << code;
  EXPECT_FALSE(is_failure(fail(Errc::cancelled, "")));
  EXPECT_FALSE(is_failure(fail(Errc::invalid, "")));
}

}  // namespace
}  // namespace moenet::http
