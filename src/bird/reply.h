// BIRD's control protocol: replies cut by code, never by words, because the words differ between versions
// (bird/doc/reply_codes; nest/cli.c). Pure.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/shared_text.h"

namespace moenet::bird {

struct ReplyLine {
  int code = 0;           // of the line, or of the last line that had one
  std::string_view text;  // without the code; in one of the reply's blocks, or a literal
};

// A whole reply. The last line's code alone decides success: an error reply may hold ok lines before it.
struct Reply {
  std::vector<ReplyLine> lines;
  // The bytes that the lines point into, as they were read. Copies of a reply share them.
  std::vector<std::shared_ptr<const std::string>> blocks = {};
  bool is_cut = false;  // BIRD had more to say than the reader takes

  int code() const { return lines.empty() ? 0 : lines.back().code; }
  bool is_error() const { return code() >= 8000; }  // 8xxx run-time, 9xxx parse
  // All text, one line each.
  std::string text() const;
};

// Cuts a byte stream into replies. Asynchronous lines (`+…`) are dropped. Errors: invalid (a line that no BIRD sends,
// or a reply larger than `limit_bytes`), after which the connection is of no further use. A reader that cuts gives what
// it has of a reply that is too large, marked so, before it is of no further use.
class ReplyReader {
 public:
  enum class TooLarge { refused, cut };
  explicit ReplyReader(std::size_t limit_bytes = 64u << 20, TooLarge too_large = TooLarge::refused)
      : limit_bytes_(limit_bytes), too_large_(too_large) {}
  Result<void> feed(std::string_view bytes);
  // The next complete reply, in order.
  std::optional<Reply> next();

 private:
  Result<void> take_lines(const std::shared_ptr<const std::string>& block);
  // True when the line ends its reply.
  Result<bool> take_line(std::string_view line);
  Result<void> stop_at_limit();

  std::size_t limit_bytes_;
  TooLarge too_large_;
  std::size_t reply_bytes_ = 0;  // of the reply under way
  std::string partial_;          // a line without its end yet
  Reply current_;
  std::deque<Reply> ready_;
  bool broken_ = false;
};

struct Version {
  int major = 0, minor = 0, patch = 0;
  std::string text() const;
  friend auto operator<=>(const Version&, const Version&) = default;
};
// From the greeting `0001 BIRD 3.1.8 ready.` Errors: invalid.
Result<Version> parse_greeting(const Reply& reply);

// "3.1.8", "2.14". Errors: invalid.
Result<Version> parse_version(std::string_view number);

// `8002 FILE:LINE:COL text` or `8002 FILE: text`, split. FILE is empty when BIRD names none. Absent when the reply is
// no such error.
struct ConfigError {
  std::string file;
  int line = 0;  // 0 when BIRD names none
  int column = 0;
  std::string text;
};
std::optional<ConfigError> parse_config_error(const Reply& reply);

// When BIRD was started, as `show status` prints it. By its place, the fourth line of code 1011 (cmd_show_status() in
// nest/cmds.c of all versions), and not by its words. Absent when the reply is no such thing.
std::optional<std::string> parse_last_boot(const Reply& reply);

// One row of `show protocols`. What is the same in thousands of them is shared.
struct ProtocolStatus {
  std::string name;
  SharedText proto;  // "BGP", "Static"
  SharedText table;
  SharedText state;   // "up", "start", "down", "flush", "stop"
  std::string since;  // as printed; compare to the second only
  SharedText info;    // BGP: "Established", "Active        Socket: Connection refused"

  bool is_established() const { return state == "up" && info.starts_with("Established"); }
  friend bool operator==(const ProtocolStatus&, const ProtocolStatus&) = default;
};
Result<std::vector<ProtocolStatus>> parse_protocols(const Reply& reply);
// One row alone: the text of a line of code 1002, which shares with `before` what is the same. Errors: invalid.
Result<ProtocolStatus> parse_protocol_row(std::string_view text, const ProtocolStatus& before = {});

// The interfaces of `show babel neighbors` on which a neighbor hears us and we hear it, sorted: its cost is not
// infinite. None where BIRD runs no Babel.
std::vector<std::string> parse_babel_neighbors(const Reply& reply);

}  // namespace moenet::bird
