#include "bird/reply.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <utility>

#include "base/ip.h"

namespace moenet::bird {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::optional<int> to_int(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Up to the next blank; `rest` starts at the next word.
std::string_view take_word(std::string_view& rest) {
  const std::size_t end = std::min(rest.find(' '), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(std::min(rest.find_first_not_of(' ', end), rest.size()));
  return word;
}

std::string_view without_trailing_blanks(std::string_view text) {
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

// `text` = "FILE:LINE:COL words": where the first ":LINE:COL " stands.
std::optional<ConfigError> split_position(std::string_view text) {
  for (std::size_t colon = text.find(':'); colon != text.npos; colon = text.find(':', colon + 1)) {
    const std::size_t second = text.find(':', colon + 1);
    const std::size_t blank = second == text.npos ? text.npos : text.find(' ', second + 1);
    if (blank == text.npos) return std::nullopt;
    const auto line = to_int(text.substr(colon + 1, second - colon - 1));
    const auto column = to_int(text.substr(second + 1, blank - second - 1));
    if (line && column) {
      return ConfigError{std::string(text.substr(0, colon)), *line, *column, std::string(text.substr(blank + 1))};
    }
  }
  return std::nullopt;
}

}  // namespace

std::string Reply::text() const {
  std::string all;
  for (const ReplyLine& line : lines) {
    if (!all.empty()) all += '\n';
    all += line.text;
  }
  return all;
}

Result<bool> ReplyReader::take_line(std::string_view line) {
  if (line.starts_with('+')) return false;
  if (line.starts_with(' ')) {
    if (current_.lines.empty()) return fail(Errc::invalid, "BIRD's reply begins with a continuation line");
    current_.lines.push_back({current_.code(), line.substr(1)});
    return false;
  }
  const bool has_code = line.size() >= 5 && std::all_of(line.begin(), line.begin() + 4, is_digit);
  if (!has_code || (line[4] != ' ' && line[4] != '-'))
    return fail(Errc::invalid, "BIRD's reply has a line without a code");
  current_.lines.push_back({*to_int(line.substr(0, 4)), line.substr(5)});
  return line[4] == ' ';
}

Result<void> ReplyReader::stop_at_limit() {
  broken_ = true;
  if (too_large_ == TooLarge::refused) {
    return fail(Errc::invalid, "BIRD's reply is larger than " + std::to_string(limit_bytes_) + " bytes");
  }
  current_.is_cut = true;
  ready_.push_back(std::exchange(current_, {}));
  return {};
}

Result<void> ReplyReader::take_lines(const std::shared_ptr<const std::string>& block) {
  for (std::string_view rest = *block; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() + 1);
    reply_bytes_ += line.size() + 1;
    if (reply_bytes_ > limit_bytes_) return stop_at_limit();
    const auto complete = take_line(line);
    if (!complete) {
      broken_ = true;
      return std::unexpected(complete.error());
    }
    if (current_.blocks.empty() || current_.blocks.back() != block) current_.blocks.push_back(block);
    if (*complete) {
      ready_.push_back(std::exchange(current_, {}));
      reply_bytes_ = 0;
    }
  }
  return {};
}

Result<void> ReplyReader::feed(std::string_view bytes) {
  if (broken_) return fail(Errc::invalid, "BIRD's replies are out of step");
  const std::size_t complete = bytes.rfind('\n') + 1;  // 0 when no line ends here
  if (complete > 0) {
    partial_ += bytes.substr(0, complete);
    TRY_VOID(take_lines(std::make_shared<const std::string>(std::exchange(partial_, {}))));
    bytes.remove_prefix(complete);
  }
  partial_ += bytes;
  if (!broken_ && reply_bytes_ + partial_.size() > limit_bytes_) return stop_at_limit();
  return {};
}

std::optional<Reply> ReplyReader::next() {
  if (ready_.empty()) return std::nullopt;
  Reply reply = std::move(ready_.front());
  ready_.pop_front();
  return reply;
}

std::string Version::text() const {
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

Result<Version> parse_greeting(const Reply& reply) {
  std::string_view rest = reply.lines.size() == 1 ? reply.lines.front().text : std::string_view();
  if (reply.code() != 1 || take_word(rest) != "BIRD")
    return fail(Errc::invalid, "the greeting on the control socket is not BIRD's");
  return parse_version(take_word(rest));
}

Result<Version> parse_version(std::string_view number) {
  const auto wrong = [] { return fail(Errc::invalid, "the greeting on the control socket is not BIRD's"); };
  Version version;
  int* const parts[] = {&version.major, &version.minor, &version.patch};
  const char* at = number.data();
  const char* const end = number.data() + number.size();
  for (std::size_t i = 0; i < std::size(parts); ++i) {
    if (i > 0 && (at == end || *at != '.')) break;  // "2.14", or "3.0alpha1": the rest counts as 0
    if (i > 0) ++at;
    const auto [next, error] = std::from_chars(at, end, *parts[i]);
    if (error != std::errc{} || *parts[i] < 0) return wrong();
    at = next;
  }
  return version;
}

std::optional<ConfigError> parse_config_error(const Reply& reply) {
  if (reply.code() != 8002) return std::nullopt;
  const std::string_view text = reply.lines.back().text;
  if (auto error = split_position(text)) return error;
  const std::size_t colon = text.find(": ");
  if (colon == text.npos) return ConfigError{"", 0, 0, std::string(text)};
  return ConfigError{std::string(text.substr(0, colon)), 0, 0, std::string(text.substr(colon + 2))};
}

std::optional<std::string> parse_last_boot(const Reply& reply) {
  constexpr int kStatusLine = 1011;
  int seen = 0;
  for (const ReplyLine& line : reply.lines) {
    if (line.code == kStatusLine && ++seen == 4) return std::string(line.text);
  }
  return std::nullopt;
}

// A row is printed as "%-10s %-10s %-10s %-6s %-12s  %s" (nest/proto.c): words up to the state, then `since`, which may
// hold one blank (`timeformat protocol iso long`), two blanks, and the rest.
Result<ProtocolStatus> parse_protocol_row(std::string_view text, const ProtocolStatus& before) {
  ProtocolStatus row;
  row.name = take_word(text);
  row.proto = shared_with(before.proto, take_word(text));
  row.table = shared_with(before.table, take_word(text));
  row.state = shared_with(before.state, take_word(text));
  if (row.name.empty() || row.state.empty()) return fail(Errc::invalid, "show protocols: a row has too few columns");
  const std::size_t gap = std::min(text.find("  "), text.size());
  row.since = without_trailing_blanks(text.substr(0, gap));
  text.remove_prefix(std::min(text.find_first_not_of(' ', gap), text.size()));
  row.info = shared_with(before.info, without_trailing_blanks(text));
  return row;
}

Result<std::vector<ProtocolStatus>> parse_protocols(const Reply& reply) {
  std::vector<ProtocolStatus> rows;
  if (reply.code() == 8003) return rows;  // no protocol matches the pattern
  if (reply.is_error()) return fail(Errc::internal, "show protocols: " + reply.text());
  for (const ReplyLine& line : reply.lines) {
    if (line.code != 1002) continue;
    TRY(auto row, rows.empty() ? parse_protocol_row(line.text) : parse_protocol_row(line.text, rows.back()));
    rows.push_back(std::move(row));
  }
  return rows;
}

// RFC 8966 section 2.1. BIRD lists a neighbor that is lost with it, for as long as one of its last 16 hellos came.
constexpr std::string_view kBabelInfinity = "65535";

std::vector<std::string> parse_babel_neighbors(const Reply& reply) {
  std::vector<std::string> interfaces;
  for (const ReplyLine& line : reply.lines) {
    std::string_view rest = line.text;
    if (line.code != 1024 || !IpAddress::parse(take_word(rest))) continue;
    const std::string_view interface = take_word(rest);
    const std::string_view metric = take_word(rest);
    if (!metric.empty() && metric != kBabelInfinity) interfaces.emplace_back(interface);
  }
  std::ranges::sort(interfaces);
  const auto repeated = std::ranges::unique(interfaces);
  interfaces.erase(repeated.begin(), repeated.end());
  return interfaces;
}

}  // namespace moenet::bird
