// The codecs never branch on or index by key bytes, so that their time tells nothing about a private key
// (the reasoning of "Remote Timing Attacks are Practical", Brumley and Boneh, 2003).
#include "base/key.h"

#include "base/secret.h"

namespace moenet {

namespace {

constexpr std::size_t kBase64Size = 44;  // 43 characters and one '='
constexpr std::size_t kHexSize = 64;

// All ones when low <= c <= high, else 0.
constexpr unsigned in_range(unsigned c, unsigned low, unsigned high) {
  return 0u - ((((low - 1u) - c) & (c - (high + 1u))) >> 31);
}

// The six bits of a base64 character, or at least 64 when it is none.
constexpr unsigned sextet(unsigned c) {
  unsigned value = 0x100;
  value = (value & ~in_range(c, 'A', 'Z')) | (in_range(c, 'A', 'Z') & (c - 'A'));
  value = (value & ~in_range(c, 'a', 'z')) | (in_range(c, 'a', 'z') & (c - 'a' + 26));
  value = (value & ~in_range(c, '0', '9')) | (in_range(c, '0', '9') & (c - '0' + 52));
  value = (value & ~in_range(c, '+', '+')) | (in_range(c, '+', '+') & 62);
  return (value & ~in_range(c, '/', '/')) | (in_range(c, '/', '/') & 63);
}

constexpr char base64_character(unsigned value) {
  const unsigned c = (in_range(value, 0, 25) & (value + 'A')) | (in_range(value, 26, 51) & (value - 26 + 'a')) |
                     (in_range(value, 52, 61) & (value - 52 + '0')) | (in_range(value, 62, 62) & '+') |
                     (in_range(value, 63, 63) & '/');
  return static_cast<char>(c);
}

// The four bits of a hexadecimal digit, or at least 16 when it is none.
constexpr unsigned nibble(unsigned c) {
  unsigned value = 0x100;
  value = (value & ~in_range(c, '0', '9')) | (in_range(c, '0', '9') & (c - '0'));
  value = (value & ~in_range(c, 'a', 'f')) | (in_range(c, 'a', 'f') & (c - 'a' + 10));
  return (value & ~in_range(c, 'A', 'F')) | (in_range(c, 'A', 'F') & (c - 'A' + 10));
}

constexpr char hex_digit(unsigned value) {
  return static_cast<char>((in_range(value, 0, 9) & (value + '0')) | (in_range(value, 10, 15) & (value - 10 + 'a')));
}

constexpr unsigned code(char c) { return static_cast<unsigned char>(c); }

}  // namespace

Key::~Key() { wipe(bytes_.data(), bytes_.size()); }

Result<Key> Key::from_base64(std::string_view text) {
  if (text.size() != kBase64Size || text.back() != '=') return fail(Errc::invalid, "a key is 44 base64 characters");
  Key key;
  unsigned bits = 0;
  unsigned held = 0;
  unsigned wrong = 0;
  std::size_t out = 0;
  for (std::size_t i = 0; i + 1 < kBase64Size; ++i) {
    const unsigned value = sextet(code(text[i]));
    wrong |= value >> 6;
    bits = ((bits << 6) | (value & 63u)) & 0xFFFFu;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    key.bytes_[out++] = static_cast<std::uint8_t>(bits >> held);
  }
  // 43 characters carry 258 bits: the last two are zero in canonical text, so that each key has one spelling.
  wrong |= bits & 3u;
  if (wrong != 0) return fail(Errc::invalid, "a key is 32 bytes in canonical base64");
  return key;
}

Result<Key> Key::from_hex(std::string_view text) {
  if (text.size() != kHexSize) return fail(Errc::invalid, "a key is 64 hexadecimal digits");
  Key key;
  unsigned wrong = 0;
  for (std::size_t i = 0; i < kBytes; ++i) {
    const unsigned high = nibble(code(text[2 * i]));
    const unsigned low = nibble(code(text[2 * i + 1]));
    wrong |= (high | low) >> 4;
    key.bytes_[i] = static_cast<std::uint8_t>((high << 4) | (low & 15u));
  }
  if (wrong != 0) return fail(Errc::invalid, "a key is 64 hexadecimal digits");
  return key;
}

std::string Key::base64() const {
  std::string text;
  text.reserve(kBase64Size);
  unsigned bits = 0;
  unsigned held = 0;
  for (const std::uint8_t byte : bytes_) {
    bits = ((bits << 8) | byte) & 0xFFFFu;
    for (held += 8; held >= 6; held -= 6) text += base64_character((bits >> (held - 6)) & 63u);
  }
  text += base64_character((bits << (6 - held)) & 63u);
  text += '=';
  return text;
}

std::string Key::hex() const {
  std::string text;
  text.reserve(kHexSize);
  for (const std::uint8_t byte : bytes_) {
    text += hex_digit(byte >> 4u);
    text += hex_digit(byte & 15u);
  }
  return text;
}

bool Key::is_zero() const {
  unsigned any = 0;
  for (const std::uint8_t byte : bytes_) any |= byte;
  return any == 0;
}

bool operator==(const Key& a, const Key& b) {
  unsigned differ = 0;
  for (std::size_t i = 0; i < Key::kBytes; ++i) differ |= static_cast<unsigned>(a.bytes_[i] ^ b.bytes_[i]);
  return differ == 0;
}

}  // namespace moenet
