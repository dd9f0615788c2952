#include "model/json_reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <utility>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "base/log.h"
#include "base/utf8.h"
#include "model/text.h"

namespace moenet::model {

namespace json = boost::json;

namespace {

// Above this size the arena pays (measured: 1,000 sessions parse in 14.9 instead of 22 million instructions).
constexpr std::size_t kArenaFrom = 64u << 10;
constexpr std::size_t kDescribedBytes =
    60;  // of a value in a fault: enough to recognise it, and several fit into lastError

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

json::parse_options options() {
  json::parse_options result;
  result.max_depth = kJsonDepthMax;
  result.allow_invalid_utf8 = true;
  return result;
}

json::storage_ptr storage_for(std::size_t bytes) {
  if (bytes < kArenaFrom) return {};
  return json::make_shared_resource<json::monotonic_resource>(bytes);
}

// The code of the escape \uXXXX at the start of `text`.
std::optional<unsigned> unicode_escape(std::string_view text) {
  if (text.size() < 6 || text[0] != '\\' || text[1] != 'u') return std::nullopt;
  unsigned code = 0;
  const auto [end, error] = std::from_chars(text.data() + 2, text.data() + 6, code, 16);
  if (error != std::errc{} || end != text.data() + 6) return std::nullopt;
  return code;
}

// JavaScript writes a lone surrogate as its escape, which Boost.JSON refuses together with the whole text. The text
// with those as \ufffd, or nothing when it has none.
std::optional<std::string> without_lone_surrogates(std::string_view text) {
  std::string out;
  bool changed = false;
  while (!text.empty()) {
    const std::size_t plain = std::min(text.find('\\'), text.size());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    const std::optional<unsigned> code = unicode_escape(text);
    std::size_t length = std::min<std::size_t>(code ? 6 : 2, text.size());
    if (code && *code >= 0xD800 && *code <= 0xDFFF) {
      const std::optional<unsigned> next = unicode_escape(text.substr(6));
      const bool is_pair = *code < 0xDC00 && next && *next >= 0xDC00 && *next <= 0xDFFF;
      if (is_pair) {
        length = 12;
      } else {
        out += "\\ufffd";
        text.remove_prefix(6);
        changed = true;
        continue;
      }
    }
    out += text.substr(0, length);
    text.remove_prefix(length);
  }
  if (!changed) return std::nullopt;
  return out;
}

std::optional<std::int64_t> integer_in_text(std::string_view text) {
  text = trimmed(text);
  std::int64_t result = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return result;
}

bool is_blank(const json::value& value) {
  const json::string* text = value.if_string();
  return text != nullptr && trimmed(view(*text)).empty();
}

bool is_printable_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

std::optional<IpAddress> unicast_address_in(std::string_view text, IpFamily family) {
  text = trimmed(text);
  std::string without_zone;
  if (const std::size_t zone = text.find('%'); zone != std::string_view::npos) {
    without_zone = text.substr(0, zone);
    if (const std::size_t slash = text.find('/', zone); slash != std::string_view::npos)
      without_zone += text.substr(slash);
    text = without_zone;
  }
  const Result<IpPrefix> prefix = IpPrefix::parse(text);
  if (!prefix) return std::nullopt;
  const IpAddress& address = prefix->address;
  const bool is_unicast = !address.is_unspecified() && !address.is_multicast();
  if (address.family() != family || !is_unicast) return std::nullopt;
  return address;
}

}  // namespace

Result<json::value> parse_json(std::string_view text) {
  if (text.size() > kJsonBytesMax) {
    return fail(Errc::invalid, "JSON of " + std::to_string(text.size()) + " bytes is over the limit of " +
                                   std::to_string(kJsonBytesMax));
  }
  json::parser parser({}, options());
  parser.reset(storage_for(text.size()));
  json::error_code error;
  const std::size_t used = parser.write_some(text.data(), text.size(), error);
  if (!error && used < text.size()) error = json::error::extra_data;
  if (!error) return parser.release();
  if (const std::optional<std::string> mended = without_lone_surrogates(text)) return parse_json(*mended);
  return fail(Errc::invalid, "not JSON: " + error.message() + " at byte " + std::to_string(used));
}

std::optional<std::int64_t> integer_in(const json::value& value) {
  constexpr double kExact = 9007199254740992.0;  // 2^53: past it a double no longer names one whole number
  switch (value.kind()) {
    case json::kind::int64: return value.get_int64();
    case json::kind::uint64:
      if (value.get_uint64() > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
      return static_cast<std::int64_t>(value.get_uint64());
    case json::kind::double_: {
      const double number = value.get_double();
      if (!(std::abs(number) <= kExact) || number != std::trunc(number)) return std::nullopt;
      return static_cast<std::int64_t>(number);
    }
    case json::kind::string: return integer_in_text(view(value.get_string()));
    case json::kind::null:
    case json::kind::bool_:
    case json::kind::array:
    case json::kind::object: return std::nullopt;
  }
  return std::nullopt;
}

std::string describe_json(const json::value& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  if (const json::string* text = value.if_string()) return "'" + escape_for_log(view(*text), kDescribedBytes) + "'";
  return std::string(json::serialize(value));
}

std::string JsonFault::reason() const { return value.empty() ? "expected " + expected : value + " is not " + expected; }

std::string JsonFault::text() const { return path.empty() ? reason() : path + ": " + reason(); }

std::string texts_of(const std::vector<JsonFault>& faults) {
  std::string result;
  for (const JsonFault& fault : faults) result += (result.empty() ? "" : "; ") + fault.text();
  return result;
}

JsonReader::JsonReader(const json::value& value, std::vector<JsonFault>& faults, std::string path)
    : object_(value.if_object()), faults_(&faults), path_(std::move(path)) {
  if (object_ == nullptr && !value.is_null()) faults_->push_back({path_, describe_json(value), "an object"});
}

const json::value* JsonReader::find(std::string_view key) const {
  if (object_ == nullptr) return nullptr;
  const json::value* value = object_->if_contains(json::string_view(key.data(), key.size()));
  return value == nullptr || value->is_null() ? nullptr : value;
}

bool JsonReader::has(std::string_view key) const {
  return object_ != nullptr && object_->contains(json::string_view(key.data(), key.size()));
}

JsonReader JsonReader::object(std::string_view key) const {
  static const json::value kNull;
  const json::value* value = find(key);
  return JsonReader(value == nullptr ? kNull : *value, *faults_, path_of(key));
}

std::optional<std::string> JsonReader::text(std::string_view key, std::size_t max_bytes) const {
  const json::value* value = find(key);
  if (value == nullptr) return std::nullopt;
  std::string result;
  if (const json::string* string = value->if_string()) {
    result = view(*string);
  } else if (value->is_primitive()) {
    result = json::serialize(*value);
  } else {
    note(key, "a string");
    return std::nullopt;
  }
  if (result.size() > max_bytes) {
    note(key, "a string of at most " + std::to_string(max_bytes) + " bytes");
    return std::nullopt;
  }
  return result;
}

std::string JsonReader::free_text(std::string_view key, std::size_t max_bytes) const {
  const json::value* value = find(key);
  if (value == nullptr || !value->is_primitive()) return {};
  if (const json::string* string = value->if_string()) return valid_utf8(view(*string), max_bytes);
  return std::string(json::serialize(*value)).substr(0, max_bytes);
}

std::optional<std::int64_t> JsonReader::integer(std::string_view key, std::int64_t low, std::int64_t high) const {
  const json::value* value = find(key);
  if (value == nullptr || is_blank(*value)) return std::nullopt;
  const std::optional<std::int64_t> number = integer_in(*value);
  if (number && *number >= low && *number <= high) return number;
  note(key, "a number from " + std::to_string(low) + " to " + std::to_string(high));
  return std::nullopt;
}

std::optional<std::int64_t> JsonReader::required_integer(std::string_view key, std::int64_t low,
                                                         std::int64_t high) const {
  const json::value* value = find(key);
  if (value != nullptr && !is_blank(*value)) return integer(key, low, high);
  note(key, "a number from " + std::to_string(low) + " to " + std::to_string(high));
  return std::nullopt;
}

std::optional<bool> JsonReader::boolean(std::string_view key) const {
  const json::value* value = find(key);
  if (value == nullptr || is_blank(*value)) return std::nullopt;
  if (const bool* plain = value->if_bool()) return *plain;
  if (const std::optional<std::int64_t> number = integer_in(*value); number == 0 || number == 1) return number == 1;
  if (const json::string* string = value->if_string()) {
    if (view(*string) == "true") return true;
    if (view(*string) == "false") return false;
  }
  note(key, "true or false");
  return std::nullopt;
}

std::optional<IpAddress> JsonReader::address(std::string_view key, IpFamily family) const {
  const json::value* value = find(key);
  if (value == nullptr || is_blank(*value)) return std::nullopt;
  if (const json::string* string = value->if_string()) {
    if (const std::optional<IpAddress> address = unicast_address_in(view(*string), family)) return address;
  }
  note(key, family == IpFamily::v4 ? "a unicast IPv4 address" : "a unicast IPv6 address");
  return std::nullopt;
}

std::optional<Secret> JsonReader::secret(std::string_view key, std::size_t max_bytes) const {
  const json::value* value = find(key);
  if (value == nullptr) return std::nullopt;
  const json::string* string = value->if_string();
  if (string != nullptr && string->empty()) return std::nullopt;
  if (string != nullptr && string->size() <= max_bytes && is_printable_ascii(view(*string)))
    return Secret(view(*string));
  note_secret(key, "1 to " + std::to_string(max_bytes) + " characters of printable ASCII");
  return std::nullopt;
}

std::vector<std::string> JsonReader::texts(std::string_view key, std::size_t max_items, std::size_t max_bytes) const {
  const json::value* value = find(key);
  if (value == nullptr || is_blank(*value)) return {};
  if (const json::string* alone = value->if_string(); alone != nullptr && alone->size() <= max_bytes) {
    return {std::string(view(*alone))};
  }
  const json::array* array = value->if_array();
  if (array == nullptr || array->size() > max_items) {
    note(key, "a list of at most " + std::to_string(max_items) + " strings");
    return {};
  }
  std::vector<std::string> result;
  for (const json::value& item : *array) {
    const json::string* string = item.if_string();
    if (string == nullptr || string->size() > max_bytes) {
      note(key, "a list of strings of at most " + std::to_string(max_bytes) + " bytes");
      return {};
    }
    result.emplace_back(view(*string));
  }
  return result;
}

void JsonReader::note(std::string_view key, std::string expected) const {
  const json::value* value = find(key);
  faults_->push_back({path_of(key), value == nullptr ? std::string() : describe_json(*value), std::move(expected)});
}

void JsonReader::note_secret(std::string_view key, std::string expected) const {
  faults_->push_back({path_of(key), {}, std::move(expected)});
}

std::vector<std::string> JsonReader::unknown_keys(std::initializer_list<std::string_view> known) const {
  std::vector<std::string> result;
  if (object_ == nullptr) return result;
  for (const json::key_value_pair& field : *object_) {
    const std::string_view key(field.key().data(), field.key().size());
    if (key.starts_with("_comment") || std::find(known.begin(), known.end(), key) != known.end()) continue;
    result.push_back(path_of(key));
  }
  return result;
}

std::string JsonReader::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

}  // namespace moenet::model
