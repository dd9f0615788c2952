#include "agent/session_words.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace moenet::agent {

std::string_view state_word(const model::Condition& condition) {
  if (std::holds_alternative<model::InPlace>(condition)) return "in_place";
  if (std::holds_alternative<model::Removed>(condition)) return "removed";
  if (std::holds_alternative<model::Broken>(condition)) return "problem";
  if (std::holds_alternative<model::Invalid>(condition)) return "invalid";
  return "untouched";
}

std::string_view cause_of(const model::Condition& condition) {
  if (const auto* broken = std::get_if<model::Broken>(&condition)) return broken->cause;
  if (const auto* invalid = std::get_if<model::Invalid>(&condition)) return invalid->cause;
  return "";
}

std::string status_word(const std::optional<std::int64_t>& held) {
  if (!held) return "UNKNOWN";
  const auto status = model::session_status_from_int(*held);
  return status ? std::string(name_of(*status)) : fmt::format("UNKNOWN_{}", *held);
}

std::string utc_text(WallTime time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", std::chrono::floor<std::chrono::seconds>(time));
}

}  // namespace moenet::agent
