#include "bird/reply.h"

#include <algorithm>
#include <cctype>
#include <charconv>

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

// "1 imported, 0 filtered, 3 exported, 1 preferred": numbers each before its word.
void add_counts(std::string_view text, model::RouteCounts& counts) {
  while (!text.empty()) {
    const std::string_view number = take_word(text);
    std::string_view word = take_word(text);
    if (word.ends_with(',')) word.remove_suffix(1);
    std::uint64_t count = 0;
    if (std::from_chars(number.data(), number.data() + number.size(), count).ec != std::errc{}) return;
    if (word == "imported") counts.imported += count;
    if (word == "filtered") counts.filtered += count;
    if (word == "exported") counts.exported += count;
    if (word == "preferred") counts.preferred += count;
  }
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
    current_.lines.push_back({current_.code(), std::string(line.substr(1))});
    return false;
  }
  const bool has_code = line.size() >= 5 && std::all_of(line.begin(), line.begin() + 4, is_digit);
  if (!has_code || (line[4] != ' ' && line[4] != '-'))
    return fail(Errc::invalid, "BIRD's reply has a line without a code");
  current_.lines.push_back({*to_int(line.substr(0, 4)), std::string(line.substr(5))});
  return line[4] == ' ';
}

Result<void> ReplyReader::feed(std::string_view bytes) {
  if (broken_) return fail(Errc::invalid, "BIRD's replies are out of step");
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    reply_bytes_ += piece.size() + 1;
    if (reply_bytes_ > limit_bytes_) {
      broken_ = true;
      return fail(Errc::invalid, "BIRD's reply is larger than " + std::to_string(limit_bytes_) + " bytes");
    }
    partial_ += piece;
    if (end == bytes.npos) return {};
    bytes.remove_prefix(end + 1);
    const auto complete = take_line(partial_);
    partial_.clear();
    if (!complete) {
      broken_ = true;
      return std::unexpected(complete.error());
    }
    if (*complete) {
      ready_.push_back(std::exchange(current_, {}));
      reply_bytes_ = 0;
    }
  }
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
  std::string_view rest = reply.lines.size() == 1 ? std::string_view(reply.lines.front().text) : std::string_view();
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
  const std::string& text = reply.lines.back().text;
  if (auto error = split_position(text)) return error;
  const std::size_t colon = text.find(": ");
  if (colon == text.npos) return ConfigError{"", 0, 0, text};
  return ConfigError{text.substr(0, colon), 0, 0, text.substr(colon + 2)};
}

// A row is printed as "%-10s %-10s %-10s %-6s %-12s  %s" (nest/proto.c): words up to the state, then `since`, which may
// hold one blank (`timeformat protocol iso long`), two blanks, and the rest.
std::optional<std::string> parse_last_boot(const Reply& reply) {
  constexpr int kStatusLine = 1011;
  int seen = 0;
  for (const ReplyLine& line : reply.lines) {
    if (line.code == kStatusLine && ++seen == 4) return line.text;
  }
  return std::nullopt;
}

Result<std::vector<ProtocolStatus>> parse_protocols(const Reply& reply) {
  std::vector<ProtocolStatus> rows;
  if (reply.code() == 8003) return rows;  // no protocol matches the pattern
  if (reply.is_error()) return fail(Errc::internal, "show protocols: " + reply.text());
  for (const ReplyLine& line : reply.lines) {
    if (line.code != 1002) continue;
    std::string_view rest = line.text;
    ProtocolStatus row;
    row.name = take_word(rest);
    row.proto = take_word(rest);
    row.table = take_word(rest);
    row.state = take_word(rest);
    if (row.name.empty() || row.state.empty()) return fail(Errc::invalid, "show protocols: a row has too few columns");
    const std::size_t gap = std::min(rest.find("  "), rest.size());
    row.since = without_trailing_blanks(rest.substr(0, gap));
    rest.remove_prefix(std::min(rest.find_first_not_of(' ', gap), rest.size()));
    row.info = without_trailing_blanks(rest);
    rows.push_back(std::move(row));
  }
  return rows;
}

// A channel's line "Routes:" (nest/proto.c) stands among the details (1006) of its protocol's row (1002).
Result<std::vector<model::RouteCounts>> parse_route_counts(const Reply& reply) {
  constexpr std::string_view kRoutes = "Routes:";
  std::vector<model::RouteCounts> all;
  if (reply.code() == 8003) return all;  // no protocol matches the pattern
  if (reply.is_error()) return fail(Errc::internal, "show protocols all: " + reply.text());
  for (const ReplyLine& line : reply.lines) {
    std::string_view rest = line.text;
    if (line.code == 1002) {
      const std::string_view name = take_word(rest);
      if (name.empty()) return fail(Errc::invalid, "show protocols all: a row has no name");
      all.emplace_back().protocol = name;
      continue;
    }
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    if (line.code != 1006 || all.empty() || !rest.starts_with(kRoutes)) continue;
    rest.remove_prefix(kRoutes.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    add_counts(rest, all.back());
  }
  return all;
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
