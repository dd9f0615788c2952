// Text goes to stderr, one write(2) per line so that lines of several threads do not mix. journald gets one datagram
// per line in its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): "NAME=value\n" each, which is enough because
// values are escaped to one line.
#include "base/log.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

#include <fmt/chrono.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/utf8.h"

namespace moenet {

namespace {

// Characters that would end the line, move the cursor or reorder what a person reads: C0, DEL, C1, the line and
// paragraph separators and the bidirectional controls (Unicode Technical Report 36, "bidirectional text spoofing").
bool is_printable(char32_t code) {
  if (code < 0x20 || (code >= 0x7F && code < 0xA0)) return false;
  if (code == 0x200E || code == 0x200F || (code >= 0x2028 && code <= 0x202E)) return false;
  return (code < 0x2066 || code > 0x2069) && code != 0xFEFF;
}

void append_escaped(std::string& out, std::string_view character, const Utf8Character& decoded) {
  if (!decoded.valid) {
    fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(character[0]));
    return;
  }
  switch (decoded.code) {
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    default: break;
  }
  if (is_printable(decoded.code)) {
    out += character;
  } else if (decoded.code < 0x80) {
    fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned>(decoded.code));
  } else {
    fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(decoded.code));
  }
}

}  // namespace

std::string escape_for_log(std::string_view text, std::size_t limit) {
  const std::size_t whole = text.size();
  std::string out;
  while (!text.empty()) {
    const Utf8Character next = first_utf8_character(text);
    const std::size_t before = out.size();
    append_escaped(out, text.substr(0, next.bytes), next);
    if (out.size() > limit) {
      out.resize(before);
      out += fmt::format("…({} bytes)", whole);
      break;
    }
    text.remove_prefix(next.bytes);
  }
  return out;
}

}  // namespace moenet

namespace moenet::log {

namespace {

constexpr std::size_t kMessageLimit = 1'000;  // chosen: an error grown outwards through all layers fits
constexpr const char* kJournalSocket = "/run/systemd/journal/socket";

// Set by start() before any thread exists; atomic so that a late start in a test is no race.
std::atomic<Level> threshold_now{Level::info};
std::atomic<int> journal_fd{-1};  // lives as long as the process

std::string_view name_of(Level level) {
  switch (level) {
    case Level::debug: return "debug";
    case Level::info: return "info";
    case Level::warning: return "warning";
    case Level::error: return "error";
  }
  return "error";
}

// syslog(3) severities.
int priority_of(Level level) {
  switch (level) {
    case Level::debug: return 7;
    case Level::info: return 6;
    case Level::warning: return 4;
    case Level::error: return 3;
  }
  return 3;
}

bool needs_quotes(std::string_view value) {
  return value.empty() || value.find_first_of(" =\"\\") != std::string_view::npos;
}

std::string text_of(std::string_view message, const std::vector<Field>& fields) {
  std::string line = escape_for_log(message, kMessageLimit);
  for (const Field& field : fields) {
    const std::string value = escape_for_log(field.value, kMessageLimit);
    line +=
        needs_quotes(value) ? fmt::format(" {}=\"{}\"", field.name, value) : fmt::format(" {}={}", field.name, value);
  }
  return line;
}

void write_to_stderr(std::string_view line) {
  while (!line.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // nobody is left to tell
    line.remove_prefix(static_cast<std::size_t>(written));
  }
}

void write_text(Level level, std::string_view message, const std::vector<Field>& fields) {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(wall_now());
  const auto second = std::chrono::floor<std::chrono::seconds>(now);
  write_to_stderr(fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z {:<7} {}\n",
                              fmt::gmtime(std::chrono::system_clock::to_time_t(second)), (now - second).count(),
                              name_of(level), text_of(message, fields)));
}

// Journal field names are upper case letters, digits and underscores.
std::string journal_name(std::string_view name) {
  std::string out = "MOENET_";
  for (const char c : name) {
    const bool is_lower = c >= 'a' && c <= 'z';
    const bool is_allowed = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    out += is_lower ? static_cast<char>(c - 'a' + 'A') : is_allowed ? c : '_';
  }
  return out;
}

std::string datagram_of(Level level, std::string_view message, const std::vector<Field>& fields) {
  std::string out = fmt::format("PRIORITY={}\nSYSLOG_IDENTIFIER={}\nMESSAGE={}\n", priority_of(level),
                                ::program_invocation_short_name, text_of(message, fields));
  for (const Field& field : fields)
    out += fmt::format("{}={}\n", journal_name(field.name), escape_for_log(field.value, kMessageLimit));
  return out;
}

bool write_to_journal(int fd, std::string_view datagram) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, kJournalSocket, sizeof address.sun_path - 1);
  const ssize_t sent = ::sendto(fd, datagram.data(), datagram.size(), MSG_NOSIGNAL,
                                reinterpret_cast<const sockaddr*>(&address), sizeof address);
  return sent == static_cast<ssize_t>(datagram.size());
}

}  // namespace

void set_threshold(Level threshold) { threshold_now = threshold; }

void start(Output output, Level threshold) {
  threshold_now = threshold;
  const int fd = output == Output::journald ? ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
  const UniqueFd previous(journal_fd.exchange(fd));
}

Output detect_output() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status{};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &status) != 0) return Output::text;
  return fmt::format("{}:{}", status.st_dev, status.st_ino) == stream ? Output::journald : Output::text;
}

void write(Level level, std::string_view message, const std::vector<Field>& fields) {
  if (level < threshold_now.load(std::memory_order_relaxed)) return;
  const int fd = journal_fd.load(std::memory_order_relaxed);
  if (fd < 0) return write_text(level, message, fields);
  if (write_to_journal(fd, datagram_of(level, message, fields))) return;
  // The journal restarts or is full: its stream still takes lines with a priority prefix (sd-daemon(3)).
  write_to_stderr(fmt::format("<{}>{}\n", priority_of(level), text_of(message, fields)));
}

}  // namespace moenet::log
