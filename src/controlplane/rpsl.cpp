#include "controlplane/rpsl.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/utf8.h"
#include "model/text.h"

namespace moenet::controlplane {

namespace {

using model::trimmed;

constexpr std::size_t kMostLines = 20'000;  // chosen: a key with many signatures has 5,000
constexpr std::size_t kMostName = 64;

bool is_name(std::string_view text) {
  const auto is_name_byte = [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !text.empty() && text.size() <= kMostName && std::ranges::all_of(text, is_name_byte);
}

// From '#' on it is a comment (RFC 2622 section 2). Neither keys nor names hold that character.
std::string_view without_comment(std::string_view line) { return trimmed(line.substr(0, line.find('#'))); }

bool is_text(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    if (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') return false;
    const Utf8Character character = first_utf8_character(bytes);
    if (!character.valid) return false;
    bytes.remove_prefix(character.bytes);
  }
  return true;
}

std::unexpected<Error> at_fault(std::size_t line, std::string_view what) {
  return fail(Errc::invalid, fmt::format("line {}: {}", line, what));
}

// One line of an object into it.
Result<void> take_line(RpslObject& object, std::string_view line, std::size_t number) {
  if (line.front() == ' ' || line.front() == '\t' || line.front() == '+') {
    if (object.empty()) return at_fault(number, "continues nothing");
    object.back().value += '\n';
    object.back().value += without_comment(line.substr(1));
    return {};
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_name(line.substr(0, colon)))
    return at_fault(number, "expected NAME: VALUE");
  object.push_back({model::lower_case(line.substr(0, colon)), std::string(without_comment(line.substr(colon + 1)))});
  return {};
}

}  // namespace

Result<RpslObject> parse_rpsl(std::string_view bytes) {
  if (bytes.size() > kMostObjectBytes) return fail(Errc::invalid, "too large for an object");
  if (!is_text(bytes)) return fail(Errc::invalid, "not UTF-8 text");
  RpslObject object;
  bool has_ended = false;
  for (std::size_t number = 1; !bytes.empty(); ++number) {
    if (number > kMostLines) return at_fault(number, "too many lines");
    const std::size_t end = bytes.find('\n');
    std::string_view line = bytes.substr(0, end);
    bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with('#') || line.starts_with('%')) continue;
    if (trimmed(line).empty()) {  // the end of the object, unless it did not begin yet
      has_ended = !object.empty();
      continue;
    }
    if (has_ended) return at_fault(number, "a second object");
    TRY_VOID(take_line(object, line, number));
  }
  if (object.empty()) return fail(Errc::invalid, "no object");
  return object;
}

std::vector<std::string_view> values_of(const RpslObject& object, std::string_view name) {
  std::vector<std::string_view> values;
  for (const RpslAttribute& attribute : object) {
    if (attribute.name == name) values.emplace_back(attribute.value);
  }
  return values;
}

std::string_view value_of(const RpslObject& object, std::string_view name) {
  const auto found = std::ranges::find(object, name, &RpslAttribute::name);
  return found == object.end() ? std::string_view() : std::string_view(found->value);
}

}  // namespace moenet::controlplane
