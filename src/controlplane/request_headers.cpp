#include "controlplane/request_headers.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "controlplane/token.h"

namespace moenet::controlplane {

namespace {

constexpr std::chrono::seconds kLongestWait{55};  // wire contract B2

}  // namespace

std::string request_id(const http::Request& request) {
  const std::string_view own = request.headers.find("X-Request-ID").value_or("");
  const auto is_plain = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-'; };
  return !own.empty() && own.size() <= 64 && std::ranges::all_of(own, is_plain) ? std::string(own) : make_uuid();
}

std::chrono::seconds wait_of(const http::Request& request) {
  return request.headers.find("If-None-Match") ? preferred_wait(request) : std::chrono::seconds(0);
}

std::chrono::seconds preferred_wait(const http::Request& request) {
  const std::string_view prefer = request.headers.find("Prefer").value_or("");
  constexpr std::string_view kWait = "wait=";
  const std::size_t at = prefer.find(kWait);
  if (at == std::string_view::npos) return std::chrono::seconds(0);
  long seconds = 0;
  const char* first = prefer.data() + at + kWait.size();
  if (std::from_chars(first, prefer.data() + prefer.size(), seconds).ec != std::errc()) return std::chrono::seconds(0);
  return std::clamp(std::chrono::seconds(seconds), std::chrono::seconds(0), kLongestWait);
}

}  // namespace moenet::controlplane
