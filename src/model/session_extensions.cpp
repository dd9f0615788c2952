#include "model/session_extensions.h"

#include <algorithm>

#include <boost/json/value.hpp>

#include "model/text.h"

namespace moenet::model {

namespace json = boost::json;

namespace {

constexpr std::size_t kExtensionsMax = 64;  // chosen: two are known
constexpr std::size_t kWordBytesMax = 64;

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

// Names we do not know are other nodes' business.
void apply_extension(std::string_view name, Session& session) {
  std::string key = lower_case(trimmed(name));
  std::replace(key.begin(), key.end(), '-', '_');
  if (key == "mp_bgp") session.mp_bgp = true;
  if (key == "extended_nexthop" || key == "extended_next_hop") session.extended_next_hop = true;
}

bool is_true(const json::value& value) {
  if (const bool* plain = value.if_bool()) return *plain;
  if (const json::string* text = value.if_string()) return view(*text) == "true" || view(*text) == "1";
  return integer_in(value).value_or(0) != 0;
}

// A list of names, an object {"mp_bgp":true}, or an object that holds names. False for what is neither.
bool apply_extensions(const json::value& value, Session& session) {
  if (const json::array* names = value.if_array(); names != nullptr && names->size() <= kExtensionsMax) {
    for (const json::value& name : *names) {
      if (name.is_string()) apply_extension(view(name.get_string()), session);
    }
    return true;
  }
  const json::object* flags = value.if_object();
  if (flags == nullptr || flags->size() > kExtensionsMax) return false;
  for (const json::key_value_pair& flag : *flags) {
    if (is_true(flag.value())) apply_extension({flag.key().data(), flag.key().size()}, session);
    if (flag.value().is_string()) apply_extension(view(flag.value().get_string()), session);
  }
  return true;
}

}  // namespace

// As a list, an object, either of them as JSON text, or plain names between commas.
void read_extensions(const JsonReader& row, Session& session) {
  constexpr std::size_t kTextBytesMax = kExtensionsMax * kWordBytesMax;
  const json::value* value = row.find("extensions");
  if (value == nullptr) return;
  const json::string* string = value->if_string();
  if (string == nullptr || string->size() > kTextBytesMax) {
    if (!apply_extensions(*value, session)) row.note("extensions", "a list of names");
    return;
  }
  std::string_view text = trimmed(view(*string));
  if (text.starts_with('[') || text.starts_with('{')) {
    const Result<json::value> inner = parse_json(text);
    if (!inner || !apply_extensions(*inner, session)) row.note("extensions", "a list of names");
    return;
  }
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    apply_extension(text.substr(0, comma), session);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
}

}  // namespace moenet::model
