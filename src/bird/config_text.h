// What a BIRD configuration file includes and defines, found by the rules of BIRD's lexer (conf/cf-lex.l; each rule
// tried on 2.0.12 and 3.1.8): no parser, just enough to follow includes and to name what is missing. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace moenet::bird {

// `include "PATTERN";`. BIRD knows it only at the start of a line: blanks, the word, blanks, one string on the same
// line, blanks, `;`.
struct IncludeStatement {
  std::size_t begin = 0, end = 0;  // bytes of the whole statement, from the start of its line
  int line = 0;                    // from 1
  std::string pattern;

  friend bool operator==(const IncludeStatement&, const IncludeStatement&) = default;
};

// `template bgp NAME`, `filter NAME` or `protocol TYPE NAME` where a statement begins.
struct Definition {
  enum class Kind { bgp_template, filter, protocol };
  Kind kind = Kind::filter;
  std::string name;
  int line = 0;

  friend bool operator==(const Definition&, const Definition&) = default;
};

using ConfigItem = std::variant<IncludeStatement, Definition>;

// In the order of the text. Never fails: what BIRD would refuse is passed over.
std::vector<ConfigItem> items_of(std::string_view text);

}  // namespace moenet::bird
