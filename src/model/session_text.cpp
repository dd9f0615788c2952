#include "model/session_text.h"

#include <algorithm>
#include <functional>

namespace moenet::model {
namespace {

constexpr std::string_view kList = "\"bgpSessions\"";

std::size_t skip_blanks(std::string_view text, std::size_t at) {
  while (at < text.size() && (text[at] == ' ' || text[at] == '\n' || text[at] == '\t' || text[at] == '\r')) ++at;
  return at;
}

// Behind the string that begins at `at`; npos when it has no end.
std::size_t skip_string(std::string_view text, std::size_t at) {
  for (std::size_t quote = text.find('"', at + 1); quote != text.npos; quote = text.find('"', quote + 1)) {
    std::size_t escapes = 0;
    while (text[quote - 1 - escapes] == '\\') ++escapes;  // ends at the opening quote at the latest
    if (escapes % 2 == 0) return quote + 1;
  }
  return text.npos;
}

// Behind the object that begins at `at`; npos when it has no end.
std::size_t skip_object(std::string_view text, std::size_t at) {
  std::size_t depth = 0;
  while (at < text.size()) {
    switch (text[at]) {
      case '"':
        at = skip_string(text, at);
        if (at == text.npos) return at;
        continue;
      case '{': ++depth; break;
      case '}':
        if (--depth == 0) return at + 1;
        break;
      default: break;
    }
    ++at;
  }
  return text.npos;
}

char at_or_nul(std::string_view text, std::size_t at) { return at < text.size() ? text[at] : '\0'; }

}  // namespace

std::optional<SessionText> SessionText::of(std::string_view body) {
  const std::size_t key = body.find(kList);
  if (key == body.npos) return std::nullopt;
  std::size_t at = skip_blanks(body, key + kList.size());
  if (at_or_nul(body, at) != ':') return std::nullopt;
  at = skip_blanks(body, at + 1);
  if (at_or_nul(body, at) != '[') return std::nullopt;
  SessionText text;
  text.frame_ = body.substr(0, at + 1);
  do {
    at = skip_blanks(body, at + 1);
    if (at_or_nul(body, at) != '{') return std::nullopt;
    const std::size_t end = skip_object(body, at);
    if (end == body.npos) return std::nullopt;
    text.rows_.push_back({std::hash<std::string_view>()(body.substr(at, end - at)), end - at});
    at = skip_blanks(body, end);
  } while (at_or_nul(body, at) == ',');
  if (at_or_nul(body, at) != ']') return std::nullopt;
  text.frame_ += body.substr(at);
  std::ranges::sort(text.rows_);
  return text;
}

}  // namespace moenet::model
