#include "bird/config_text.h"

#include <algorithm>
#include <optional>

namespace moenet::bird {
namespace {

bool is_word_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_word(char c) { return is_word_start(c) || (c >= '0' && c <= '9'); }
bool is_apostrophed(char c) { return is_word(c) || c == '-' || c == '.' || c == ':'; }

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::vector<ConfigItem> scan() {
    while (at_ < text_.size()) step();
    return std::move(items_);
  }

 private:
  char here() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  char after() const { return at_ + 1 < text_.size() ? text_[at_ + 1] : '\0'; }

  void step() {
    if ((at_ == 0 || text_[at_ - 1] == '\n') && !in_line_ && take_include()) return;
    in_line_ = false;
    const char c = here();
    if (c == '\n') {
      ++line_;
      ++at_;
    } else if (c == '#') {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (c == '/' && after() == '*') {
      skip_comment();
    } else if (c == '"') {
      skip_string();
    } else if (c == '\'') {
      take_apostrophed();
    } else if (is_word(c)) {
      take_word();
    } else {
      if (c != ' ' && c != '\t' && c != '\r') punctuation(c);
      ++at_;
    }
  }

  void skip_comment() {
    const std::size_t end = std::min(text_.find("*/", at_ + 2), text_.size());
    for (; at_ < end; ++at_) line_ += text_[at_] == '\n';
    at_ = std::min(end + 2, text_.size());
    in_line_ = true;  // what follows on the line of the comment's end is not at the start of a line
  }

  void skip_string() {
    const std::size_t end = std::min(text_.find_first_of("\"\n", at_ + 1), text_.size());
    at_ = end < text_.size() && text_[end] == '"' ? end + 1 : end;
    punctuation('"');
  }

  void take_apostrophed() {
    std::size_t end = at_ + 1;
    while (end < text_.size() && is_apostrophed(text_[end])) ++end;
    if (end < text_.size() && text_[end] == '\'') {
      word(text_.substr(at_ + 1, end - at_ - 1));
      at_ = end + 1;
    } else {
      ++at_;
      punctuation('\'');
    }
  }

  void take_word() {
    const std::size_t begin = at_;
    while (is_word(here())) ++at_;
    word(text_.substr(begin, at_ - begin));
  }

  bool take_include() {
    std::size_t at = text_.find_first_not_of(" \t", at_);
    constexpr std::string_view kWord = "include";
    if (at == text_.npos || !text_.substr(at).starts_with(kWord)) return false;
    at = text_.find_first_not_of(" \t", at + kWord.size());
    if (at == text_.npos || text_[at] != '"') return false;
    const std::size_t close = text_.find_first_of("\"\n", at + 1);
    if (close == text_.npos || text_[close] != '"' || close == at + 1) return false;
    const std::size_t semicolon = text_.find_first_not_of(" \t", close + 1);
    if (semicolon == text_.npos || text_[semicolon] != ';') return false;
    items_.push_back(IncludeStatement{at_, semicolon + 1, line_, std::string(text_.substr(at + 1, close - at - 1))});
    at_ = semicolon + 1;
    words_ = 0;
    return true;
  }

  // Statements that define something are known by their first words, and begin after `;` or `}` or at the start.
  void word(std::string_view text) {
    if (words_ == kNoStatement) return;
    if (words_ == 0) {
      begins_ = kind_of(text);
      words_ = begins_ ? 1 : kNoStatement;
      return;
    }
    const std::size_t name_at = *begins_ == Definition::Kind::filter ? 1 : 2;
    if (words_ == name_at) {
      const bool is_name = *begins_ != Definition::Kind::protocol || text != "from";
      if (is_name) items_.push_back(Definition{*begins_, std::string(text), line_});
      words_ = kNoStatement;
      return;
    }
    if (*begins_ == Definition::Kind::bgp_template && text != "bgp") {
      words_ = kNoStatement;
      return;
    }
    ++words_;
  }

  void punctuation(char c) { words_ = c == ';' || c == '}' ? 0 : kNoStatement; }

  static std::optional<Definition::Kind> kind_of(std::string_view word) {
    if (word == "template") return Definition::Kind::bgp_template;
    if (word == "filter") return Definition::Kind::filter;
    if (word == "protocol") return Definition::Kind::protocol;
    return std::nullopt;
  }

  static constexpr std::size_t kNoStatement = ~std::size_t{0};

  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
  bool in_line_ = false;
  std::size_t words_ = 0;  // of the statement so far; kNoStatement once it cannot be a definition
  std::optional<Definition::Kind> begins_;
  std::vector<ConfigItem> items_;
};

}  // namespace

std::vector<ConfigItem> items_of(std::string_view text) { return Scanner(text).scan(); }

}  // namespace moenet::bird
