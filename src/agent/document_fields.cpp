#include "agent/document_fields.h"

#include <chrono>
#include <cstdio>

#include <boost/json.hpp>

namespace moenet::agent {
namespace {

namespace json = boost::json;

const json::value* find(const json::value& document, std::string_view pointer) {
  boost::system::error_code error;
  const json::value* value = document.find_pointer(pointer, error);
  return error || value == nullptr || value->is_null() ? nullptr : value;
}

}  // namespace

std::string text_at(const json::value& document, std::string_view pointer) {
  const json::value* value = find(document, pointer);
  if (value == nullptr) return "";
  return value->is_string() ? std::string(value->get_string()) : json::serialize(*value);
}

std::optional<double> number_at(const json::value& document, std::string_view pointer) {
  const json::value* value = find(document, pointer);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  return value->to_number<double>();
}

std::optional<std::int64_t> whole_at(const json::value& document, std::string_view pointer) {
  const json::value* value = find(document, pointer);
  boost::system::error_code error;
  const auto number = value != nullptr && value->is_number() ? value->to_number<std::int64_t>(error) : 0;
  return value == nullptr || !value->is_number() || error ? std::nullopt : std::optional(number);
}

std::optional<bool> truth_at(const json::value& document, std::string_view pointer) {
  const json::value* value = find(document, pointer);
  return value != nullptr && value->is_bool() ? std::optional(value->get_bool()) : std::nullopt;
}

const json::array& array_at(const json::value& document, std::string_view pointer) {
  static const json::array kNone;
  const json::value* value = find(document, pointer);
  return value != nullptr && value->is_array() ? value->get_array() : kNone;
}

std::optional<std::int64_t> seconds_at(const json::value& document, std::string_view pointer) {
  using namespace std::chrono;
  const std::string text = text_at(document, pointer);
  int year_of = 0;
  unsigned month_of = 0, day_of = 0, hour = 0, minute = 0, second = 0;
  if (std::sscanf(text.c_str(), "%4d-%2u-%2uT%2u:%2u:%2uZ", &year_of, &month_of, &day_of, &hour, &minute, &second) != 6)
    return std::nullopt;
  const sys_days date{year(year_of) / month(month_of) / day(day_of)};
  return (date.time_since_epoch() + hours(hour) + minutes(minute) + seconds(second)) / seconds(1);
}

}  // namespace moenet::agent
