// Key: 32 bytes that WireGuard calls a key (Curve25519 public or private, or a preshared key), and its base64 text of
// 44 characters. It wipes itself, because it may be private.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace moenet {

class Key {
 public:
  static constexpr std::size_t kBytes = 32;
  using Bytes = std::array<std::uint8_t, kBytes>;

  Key() = default;  // all zero: "no key" for the kernel and for UAPI
  explicit Key(const Bytes& bytes) : bytes_(bytes) {}
  Key(const Key&) = default;
  Key& operator=(const Key&) = default;
  ~Key();

  // Accepts exactly the canonical base64 of 32 bytes, as `wg pubkey` prints it (RFC 4648 section 4). Errors: invalid.
  static Result<Key> from_base64(std::string_view text);
  // Accepts 64 hexadecimal digits, the form of WireGuard's UAPI.
  static Result<Key> from_hex(std::string_view text);

  std::string base64() const;
  std::string hex() const;
  const Bytes& bytes() const { return bytes_; }
  bool is_zero() const;

  // Ordered for containers; equality takes the same time whatever the bytes are.
  friend bool operator==(const Key& a, const Key& b);
  friend std::strong_ordering operator<=>(const Key& a, const Key& b) { return a.bytes_ <=> b.bytes_; }

 private:
  Bytes bytes_{};
};

}  // namespace moenet
