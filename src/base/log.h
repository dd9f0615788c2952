// Logging: one line per event, written at the edge where it is handled, with fields. On a terminal it is text; under
// systemd the lines go to journald with PRIORITY and the fields as MOENET_<FIELD>. Values from outside are escaped
// here, so that no caller can forget it: control characters, quotes and invalid UTF-8 never reach a line raw
// (escape_for_log).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace moenet::log {

enum class Level { debug, info, warning, error };

struct Field {
  std::string_view name;  // snake_case: session, asn, link, task, error
  std::string value;

  template <class T>
  Field(std::string_view field_name, const T& v) : name(field_name), value(fmt::format("{}", v)) {}
};

enum class Output { text, journald };

// Called once, before any thread starts. `threshold` drops what is below it.
void start(Output output, Level threshold);
// Thread-safe. What is below it is dropped from now on.
void set_threshold(Level threshold);
// journald when the journal reads our stderr (JOURNAL_STREAM, sd_journal_print(3)), else text.
Output detect_output();

void write(Level level, std::string_view message, const std::vector<Field>& fields = {});
inline void debug(std::string_view message, const std::vector<Field>& fields = {}) {
  write(Level::debug, message, fields);
}
inline void info(std::string_view message, const std::vector<Field>& fields = {}) {
  write(Level::info, message, fields);
}
inline void warning(std::string_view message, const std::vector<Field>& fields = {}) {
  write(Level::warning, message, fields);
}
inline void error(std::string_view message, const std::vector<Field>& fields = {}) {
  write(Level::error, message, fields);
}

}  // namespace moenet::log

namespace moenet {

// The text on one line, printable: C escapes for control characters, \xNN for bytes that are no valid UTF-8, at most
// `limit` bytes (a longer text ends in "…(N bytes)").
std::string escape_for_log(std::string_view text, std::size_t limit = 300);

}  // namespace moenet
