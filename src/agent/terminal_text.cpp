#include "agent/terminal_text.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace moenet::agent {
namespace {

constexpr std::size_t kLabel = 16;

bool begins_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }

// The bytes of the first `width` characters.
std::size_t bytes_of(std::string_view text, std::size_t width) {
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if (begins_character(text[at]) && width-- == 0) break;
  }
  return at;
}

std::string cut(std::string_view text, std::size_t width) {
  if (width_of(text) <= width) return std::string(text);
  return std::string(text.substr(0, bytes_of(text, width - 1))) + "…";
}

std::string spaces(std::string_view text, std::size_t width) { return std::string(width - width_of(text), ' '); }

struct Scaled {
  double value;
  std::string_view unit;  // "", "k", …
};

// Less than 999.5, so that it is never written with four digits.
Scaled scaled(double value) {
  constexpr std::array<std::string_view, 7> kUnits = {"", "k", "M", "G", "T", "P", "E"};
  std::size_t unit = 0;
  for (; value >= 999.5 && unit + 1 < kUnits.size(); ++unit) value /= 1000;
  return {value, kUnits[unit]};
}

std::string amount_text(double value, std::string_view of) {
  const auto [number, unit] = scaled(value);
  return unit.empty() || number >= 99.95 ? fmt::format("{:.0f} {}{}", number, unit, of)
                                         : fmt::format("{:.1f} {}{}", number, unit, of);
}

}  // namespace

bool wants_colour(bool is_terminal, const char* no_color, const char* term) {
  const bool forbidden = no_color != nullptr && *no_color != '\0';
  return is_terminal && !forbidden && term != nullptr && std::string_view(term) != "dumb";
}

std::string Paint::operator()(Ink ink, std::string_view text) const {
  constexpr std::array<std::string_view, 6> kCodes = {"", "1", "2", "1;31", "32", "33"};  // ECMA-48 SGR
  if (!has_colour_ || ink == Ink::plain || text.empty()) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", kCodes[static_cast<std::size_t>(ink)], text);
}

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, begins_character));
}

std::string left(std::string_view text, std::size_t width) {
  const std::string fitted = cut(text, width);
  return fitted + spaces(fitted, width);
}

std::string right(std::string_view text, std::size_t width) {
  const std::string fitted = cut(text, width);
  return spaces(fitted, width) + fitted;
}

std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  while (width_of(text) > width) {
    const std::size_t most = bytes_of(text, width);
    std::size_t end = text.rfind(' ', most);
    if (end == text.npos || end == 0) end = most;
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
    text.remove_prefix(std::min(text.size(), text.find_first_not_of(' ')));
  }
  if (!text.empty() || lines.empty()) lines.emplace_back(text);
  return lines;
}

std::string labelled(std::string_view label, std::string_view text, std::size_t width) {
  std::string out;
  for (const std::string& line : wrapped(text, width - kLabel)) {
    out += left(out.empty() ? label : "", kLabel) + line + "\n";
  }
  return out;
}

std::string short_span(std::optional<std::int64_t> seconds) {
  if (!seconds) return "-";
  const std::int64_t total = *seconds;
  if (total < 100) return fmt::format("{}s", total);
  if (total < 6000) return fmt::format("{}m", total / 60);
  if (total < 36'000) return fmt::format("{}h{:02}m", total / 3600, total % 3600 / 60);
  if (total < 86'400) return fmt::format("{}h", total / 3600);
  if (total < 864'000) return fmt::format("{}d{:02}h", total / 86'400, total % 86'400 / 3600);
  return fmt::format("{}d", total / 86'400);
}

std::string short_amount(std::optional<double> value) {
  if (!value) return "-";
  const auto [number, unit] = scaled(*value);
  return unit.empty() || number >= 99.95 ? fmt::format("{:.0f}{}", number, unit)
                                         : fmt::format("{:.1f}{}", number, unit);
}

std::string short_decimal(std::optional<double> value) {
  if (!value) return "-";
  if (*value < 9.995) return fmt::format("{:.2f}", *value);
  return *value < 999.95 ? fmt::format("{:.1f}", *value) : fmt::format("{:.0f}", *value);
}

std::string span_text(std::int64_t total) {
  if (total < 60) return fmt::format("{} s", total);
  if (total < 3600) return fmt::format("{} min", total / 60);
  if (total < 86400) return fmt::format("{} h {} min", total / 3600, total % 3600 / 60);
  return fmt::format("{} d {} h", total / 86400, total % 86400 / 3600);
}

std::string bytes_text(std::uint64_t bytes) { return amount_text(static_cast<double>(bytes), "B"); }

std::string bits_text(double bits_per_second) { return amount_text(bits_per_second, "bit/s"); }

}  // namespace moenet::agent
