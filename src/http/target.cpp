#include "http/target.h"

#include <algorithm>

namespace moenet::http {

namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string decode_parameter(std::string_view text) {
  std::string spaced(text);
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  return percent_decode(spaced).value_or(spaced);
}

std::string_view without_origin(std::string_view raw) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!raw.starts_with(scheme)) continue;
    const std::size_t path = raw.find_first_of("/?", scheme.size());
    return path == std::string_view::npos ? std::string_view() : raw.substr(path);
  }
  return raw;
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

Target parse_target(std::string_view raw) {
  raw = without_origin(raw);
  const std::size_t mark = raw.find('?');
  Target target;
  target.path = raw.substr(0, mark);
  if (target.path.empty()) target.path = "/";
  std::string_view rest = mark == std::string_view::npos ? std::string_view() : raw.substr(mark + 1);
  while (!rest.empty()) {
    const std::size_t end = rest.find('&');
    const std::string_view pair = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    const std::string_view value = equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    target.query.emplace_back(decode_parameter(pair.substr(0, equals)), decode_parameter(value));
  }
  return target;
}

bool is_server_url(std::string_view url) {
  constexpr std::string_view kRefused = "?#@ \"<>\\^`{|}'$";
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!url.starts_with(scheme)) continue;
    const std::string_view rest = url.substr(scheme.size());
    return !rest.empty() && rest.front() != '/' && rest.find_first_of(kRefused) == std::string_view::npos &&
           std::ranges::all_of(rest, [](unsigned char c) { return c > 0x20 && c < 0x7f; });
  }
  return false;
}

}  // namespace moenet::http
