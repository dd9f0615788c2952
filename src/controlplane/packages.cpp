#include "controlplane/packages.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <system_error>

#include <fmt/format.h>
#include <sodium.h>

#include "base/file.h"
#include "base/log.h"

namespace moenet::controlplane {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostBytes = 64u << 20;
constexpr std::string_view kPrefix = "moenet-agent_";
constexpr std::string_view kSuffix = ".deb";
constexpr std::array<const char*, 3> kSuites{"bookworm", "trixie", ""};

std::string sha256_of(std::string_view bytes) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> sum;
  crypto_hash_sha256(sum.data(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  std::string text;
  for (const unsigned char byte : sum) text += fmt::format("{:02x}", byte);
  return text;
}

// Both end up in a shell script: only what Debian's names and versions may have (deb-version(7)).
bool is_plain(std::string_view text) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+~-";
  return !text.empty() && text.find_first_not_of(kAllowed) == std::string_view::npos;
}

// Without its sum.
std::optional<OfferedPackage> named_by(const fs::path& file, const char* suite) {
  std::string name = file.filename().string();
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return std::nullopt;
  name = name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size());
  const std::size_t at = name.rfind('_');
  if (at == std::string::npos) return std::nullopt;
  OfferedPackage package{file, suite, name.substr(at + 1), name.substr(0, at), ""};
  if (!is_plain(package.architecture) || !is_plain(package.version)) return std::nullopt;
  return package;
}

// The newest of each architecture.
std::vector<OfferedPackage> named_in(const fs::path& folder, const char* suite) {
  std::vector<OfferedPackage> packages;
  std::error_code failed;
  for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end; entry.increment(failed)) {
    auto package = named_by(entry->path(), suite);
    if (!package) continue;
    const auto held = std::ranges::find(packages, package->architecture, &OfferedPackage::architecture);
    if (held == packages.end()) {
      packages.push_back(std::move(*package));
    } else if (::strverscmp(held->version.c_str(), package->version.c_str()) < 0) {
      *held = std::move(*package);
    }
  }
  return packages;
}

}  // namespace

std::vector<OfferedPackage> offered_packages(const fs::path& folder) {
  std::vector<OfferedPackage> packages;
  if (folder.empty()) return packages;
  for (const char* suite : kSuites) {
    for (auto& package : named_in(folder / suite, suite)) {
      const auto bytes = read_file(package.file.string(), kMostBytes);
      if (!bytes) {
        log::warning("a package is not offered", {{"error", bytes.error().what}});
        continue;
      }
      package.sha256 = sha256_of(*bytes);
      packages.push_back(std::move(package));
    }
  }
  return packages;
}

Result<std::string> read_package(const fs::path& folder, std::string_view sha256) {
  const auto packages = offered_packages(folder);
  const auto found = std::ranges::find(packages, sha256, &OfferedPackage::sha256);
  if (found == packages.end()) return fail(Errc::not_found, "no package has this sum");
  TRY(auto bytes, read_file(found->file.string(), kMostBytes));
  if (sha256_of(bytes) != sha256) return fail(Errc::not_found, "the package has changed");
  return bytes;
}

}  // namespace moenet::controlplane
