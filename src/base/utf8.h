// UTF-8 (RFC 3629): decoding one character, and making text from outside valid. Knows nothing of JSON or of display
// width.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace moenet {

struct Utf8Character {
  char32_t code = 0xFFFD;  // U+FFFD when the bytes are no character
  std::size_t bytes = 1;   // how many bytes to go on; 1 when they are no character
  bool valid = false;
};

// The first character of `text`, which must not be empty. Overlong forms, surrogates and codes past U+10FFFF are no
// characters.
Utf8Character first_utf8_character(std::string_view text);

// Appends U+0000…U+10FFFF, no surrogate.
void append_utf8(std::string& out, char32_t code);

// `text` with each byte that is no part of a character replaced by U+FFFD, cut after the last whole character in
// `max_bytes`.
std::string valid_utf8(std::string_view text, std::size_t max_bytes);

}  // namespace moenet
