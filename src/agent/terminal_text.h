// Text for a terminal: columns, wrapping, colours, and spans and amounts short enough for a column. Widths are in
// characters, which is right for all but East Asian ones.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moenet::agent {

enum class Ink : std::uint8_t { plain, bold, dim, red, green, yellow };

// Does the terminal on stdout, if it is one, want colours (no-color.org)?
bool wants_colour(bool is_terminal, const char* no_color, const char* term);

class Paint {
 public:
  explicit Paint(bool has_colour) : has_colour_(has_colour) {}
  std::string operator()(Ink ink, std::string_view text) const;

 private:
  bool has_colour_;
};

std::size_t width_of(std::string_view text);
std::string left(std::string_view text, std::size_t width);   // filled with spaces behind, or cut with "…"
std::string right(std::string_view text, std::size_t width);  // filled in front, or cut
// Lines of at most `width`, broken at spaces where there are some; at least one.
std::vector<std::string> wrapped(std::string_view text, std::size_t width);
// "LABEL           text", wrapped to `width` with the text's lines beneath each other; with a line's end.
std::string labelled(std::string_view label, std::string_view text, std::size_t width);

// "-" for what is not known. At most five characters:
std::string short_span(std::optional<std::int64_t> seconds);  // "71s", "14m", "3h04m", "3d04h", "120d"
std::string short_amount(std::optional<double> value);        // "950", "12.3k", "1.2M": decimal steps
std::string short_decimal(std::optional<double> value);       // "0.25", "12.5", "1204"
// For sentences.
std::string span_text(std::int64_t seconds);    // "71 s" is "1 min"; "3 d 4 h"
std::string bytes_text(std::uint64_t bytes);    // "1.2 GB"
std::string bits_text(double bits_per_second);  // "1.2 Mbit/s"

}  // namespace moenet::agent
