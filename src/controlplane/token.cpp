#include "controlplane/token.h"

#include <array>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <span>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <sodium.h>

#include "base/fd.h"

namespace moenet::controlplane {

namespace {

constexpr std::size_t kTokenBytes = 32;         // 256 bits: beyond guessing
constexpr std::size_t kMostSecretBytes = 1024;  // chosen: no token or key is longer

std::string hex(std::span<const unsigned char> bytes) {
  std::string text(bytes.size() * 2 + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes.data(), bytes.size());
  text.pop_back();
  return text;
}

template <std::size_t N>
std::array<unsigned char, N> blake2b(std::string_view text) {
  std::array<unsigned char, N> digest{};
  crypto_generichash(digest.data(), digest.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                     nullptr, 0);
  return digest;
}

void need_sodium() {
  // Safe to repeat and thread-safe; fails only where the system has no randomness, and then nothing here may go on.
  if (sodium_init() < 0) std::abort();
}

}  // namespace

Secret make_token() {
  need_sodium();
  std::array<unsigned char, kTokenBytes> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  std::array<char, sodium_base64_ENCODED_LEN(kTokenBytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING)> text{};
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  Secret token{std::string_view(text.data())};
  wipe(bytes.data(), bytes.size());
  wipe(text.data(), text.size());
  return token;
}

std::string hash_of_token(std::string_view token) {
  need_sodium();
  return hex(blake2b<32>(token));
}

std::string fingerprint(std::string_view text) {
  need_sodium();
  return hex(blake2b<16>(text));
}

std::string make_uuid() {
  need_sodium();
  std::array<unsigned char, 16> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);  // version 4
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);  // the RFC's variant
  const std::string digits = hex(bytes);
  const std::string_view text = digits;
  return fmt::format("{}-{}-{}-{}-{}", text.substr(0, 8), text.substr(8, 4), text.substr(12, 4), text.substr(16, 4),
                     text.substr(20));
}

namespace {

// systemd keeps credentials in a folder that is the service's alone, with an ACL whose mask shows as a right of the
// group.
bool is_credential(const std::filesystem::path& path) {
  const char* const folder = std::getenv("CREDENTIALS_DIRECTORY");
  return folder != nullptr && path.has_parent_path() && path.parent_path() == folder;
}

}  // namespace

Result<Secret> read_secret_file(const std::filesystem::path& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file) return std::unexpected(error_from_errno(errno, fmt::format("open {}", path.string())));
  struct stat status{};
  if (::fstat(file.get(), &status) != 0)
    return std::unexpected(error_from_errno(errno, fmt::format("stat {}", path.string())));
  if (S_ISREG(status.st_mode) && (status.st_mode & 077) != 0 && !is_credential(path)) {
    return fail(Errc::denied, fmt::format("{} is readable by others: chmod 600 {}", path.string(), path.string()));
  }
  std::array<char, kMostSecretBytes> buffer{};
  std::size_t filled = 0;
  while (filled < buffer.size()) {
    const ssize_t got = ::read(file.get(), buffer.data() + filled, buffer.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(error_from_errno(errno, fmt::format("read {}", path.string())));
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  std::string_view text(buffer.data(), filled);
  text = text.substr(0, text.find_first_of("\r\n"));
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  Secret secret(text);
  wipe(buffer.data(), buffer.size());
  if (secret.empty()) return fail(Errc::invalid, fmt::format("{} is empty", path.string()));
  return secret;
}

Result<void> write_secret_file(const std::filesystem::path& path, const Secret& secret) {
  const std::string text = std::string(secret.reveal()) + "\n";
  const std::string staged = path.string() + ".new";
  ::unlink(staged.c_str());
  const UniqueFd file(::open(staged.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return std::unexpected(error_from_errno(errno, fmt::format("create {}", path.string())));
  const bool written =
      ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(file.get()) == 0;
  int error = written ? 0 : (errno != 0 ? errno : EIO);
  // link(2) refuses an existing name, which rename(2) would replace.
  if (error == 0 && ::link(staged.c_str(), path.c_str()) != 0) error = errno;
  ::unlink(staged.c_str());
  if (error != 0) return std::unexpected(error_from_errno(error, fmt::format("write {}", path.string())));
  return {};
}

}  // namespace moenet::controlplane
