// Reading JSON from outside: parsing with caps, and typed access to the fields of an object, which notes every fault
// with its path instead of stopping at the first. Tolerant where deployed writers differ: a number may be a numeric
// string and the other way round; null and an absent field are the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

#include "base/ip.h"
#include "base/result.h"
#include "base/secret.h"

namespace moenet::model {

// 10,000 sessions are about 6 MB (measured); ten times that is an attack or a fault, not a list.
inline constexpr std::size_t kJsonBytesMax = 64u << 20;
inline constexpr std::size_t kJsonDepthMax = 32;

// One JSON text. Invalid UTF-8 inside strings, raw or as a lone surrogate escape, is let through or becomes U+FFFD: one
// writer's bad string must not hide all the rest. Texts over 64 KiB live in one shared arena, which is fast and goes
// back to the system whole: such a value is for reading, and never to be shared between threads. Errors: invalid (too
// large, too deep, not JSON; with the offset).
Result<boost::json::value> parse_json(std::string_view text);

// A whole number however it is written: 5, 5.0, "5", " 5 ". Nothing else is one.
std::optional<std::int64_t> integer_in(const boost::json::value& value);

// A value for an operator's eye: strings escaped, shortened and in single quotes, containers only named.
std::string describe_json(const boost::json::value& value);

// What is wrong with one field.
struct JsonFault {
  std::string path;      // "bird.poolSizeMax"
  std::string value;     // by describe_json; empty when the field is absent or secret
  std::string expected;  // a noun: "a number from 1 to 64"

  std::string reason() const;  // "'x' is not a number from 1 to 64", "expected a number from 1 to 64"
  std::string text() const;    // "bird.poolSizeMax: 'x' is not a number from 1 to 64"
  friend bool operator==(const JsonFault&, const JsonFault&) = default;
};

// All of them in one line: "bird.poolSize: 0 is not …; metric: 5 is not an object".
std::string texts_of(const std::vector<JsonFault>& faults);

// The fields of one JSON object. Each reader returns nothing when the field is absent, null or (but for text) an empty
// string, and when it is wrong, which is then noted in `faults`. The object and `faults` must outlive it.
class JsonReader {
 public:
  // A `value` that is no object reads as an empty one; it is a fault unless it is null.
  JsonReader(const boost::json::value& value, std::vector<JsonFault>& faults, std::string path = {});

  // The field as it is; null when it is absent or null.
  const boost::json::value* find(std::string_view key) const;
  // Is the field there, if only as null?
  bool has(std::string_view key) const;
  // The object under `key`.
  JsonReader object(std::string_view key) const;
  // A string, or a number or boolean as its JSON text. Longer than `max_bytes` is a fault.
  std::optional<std::string> text(std::string_view key, std::size_t max_bytes) const;
  // Text that only people read: made valid UTF-8 and cut to `max_bytes`. Never a fault.
  std::string free_text(std::string_view key, std::size_t max_bytes) const;
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t low, std::int64_t high) const;
  // The same, but absence is a fault too.
  std::optional<std::int64_t> required_integer(std::string_view key, std::int64_t low, std::int64_t high) const;
  // true, false, 0, 1, "true", "false".
  std::optional<bool> boolean(std::string_view key) const;
  // A unicast address of the family, loopback too; a prefix length or a zone behind it is dropped.
  std::optional<IpAddress> address(std::string_view key, IpFamily family) const;
  // 1…max_bytes bytes of printable ASCII; the value never gets into a fault.
  std::optional<Secret> secret(std::string_view key, std::size_t max_bytes) const;
  // An array of strings, or one string alone.
  std::vector<std::string> texts(std::string_view key, std::size_t max_items, std::size_t max_bytes) const;

  // Notes a fault of a field, with its value, or without it when that may be secret.
  void note(std::string_view key, std::string expected) const;
  void note_secret(std::string_view key, std::string expected) const;
  // The paths of the fields that are not among `known`; those that start with "_comment" never are reported.
  std::vector<std::string> unknown_keys(std::initializer_list<std::string_view> known) const;
  // "bird.poolSize" for a field "poolSize" of the object at "bird".
  std::string path_of(std::string_view key) const;

 private:
  const boost::json::object* object_ = nullptr;
  std::vector<JsonFault>* faults_;
  std::string path_;
};

}  // namespace moenet::model
