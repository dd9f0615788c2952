#include "agent/keys.h"

#include <cerrno>
#include <filesystem>
#include <sys/stat.h>

#include <fmt/format.h>
#include <sodium.h>

#include "base/file.h"
#include "base/secret.h"

namespace moenet::agent {
namespace {

// A key file holds 44 characters and a newline; anything much larger is some other file.
constexpr std::size_t kKeyFileLimit = 256;

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
  return text;
}

Result<void> make_folder_of(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? Result<void>{} : make_folder(folder.native(), 0700);
}

// RFC 7748 section 5, decodeScalar25519.
Key clamped(Key::Bytes bytes) {
  bytes[0] = static_cast<std::uint8_t>(bytes[0] & 248);
  bytes[31] = static_cast<std::uint8_t>((bytes[31] & 127) | 64);
  Key key(bytes);
  sodium_memzero(bytes.data(), bytes.size());
  return key;
}

}  // namespace

Key generate_private_key() {
  Key::Bytes bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  Key key = clamped(bytes);
  sodium_memzero(bytes.data(), bytes.size());
  return key;
}

Key public_key_of(const Key& private_key) {
  Key::Bytes bytes{};
  crypto_scalarmult_curve25519_base(bytes.data(), private_key.bytes().data());
  return Key(bytes);
}

Result<Key> load_private_key(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0)
    return std::unexpected(error_from_errno(errno, fmt::format("read private key {}", path)));
  if ((status.st_mode & 077) != 0) {
    return fail(Errc::denied, fmt::format("private key {} has mode {:04o}, others may read it: chmod 600 {}", path,
                                          status.st_mode & 07777, path));
  }
  TRY(std::string text, read_file(path, kKeyFileLimit));
  const auto key = Key::from_base64(trim(text));
  wipe(text.data(), text.size());
  if (!key)
    return fail(Errc::invalid, fmt::format("private key {} holds no WireGuard key (44 characters of base64)", path));
  return clamped(key->bytes());
}

Result<Key> load_or_create_private_key(const std::string& path) {
  auto held = load_private_key(path);
  if (held || held.error().code != Errc::not_found) return held;
  TRY_VOID(make_folder_of(path));
  Key key = generate_private_key();
  TRY_VOID(atomic_write_file(path, key.base64() + "\n", 0600));
  return key;
}

Result<void> write_public_key(const std::string& path, const Key& public_key) {
  const std::string wanted = public_key.base64() + "\n";
  if (auto held = read_file(path, kKeyFileLimit); held && *held == wanted) return {};
  TRY_VOID(make_folder_of(path));
  return atomic_write_file(path, wanted, 0644);
}

}  // namespace moenet::agent
