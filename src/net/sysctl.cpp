#include "net/sysctl.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"

namespace moenet::net {
namespace {

constexpr std::size_t kKeyLimit = 255;   // chosen: the longest name under net/ with an interface has 60 bytes
constexpr std::size_t kValueLimit = 64;  // a whole number and a newline; longer ones are lists

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

bool is_part(std::string_view part) {
  return !part.empty() && part != "." && part != ".." && std::ranges::all_of(part, is_plain);
}

std::string with_swapped_separators(std::string_view text) {
  std::string swapped(text);
  for (char& c : swapped) c = c == '.' ? '/' : c == '/' ? '.' : c;
  return swapped;
}

}  // namespace

Result<SysctlKey> SysctlKey::checked(std::string path) {
  std::string_view rest = path;
  bool is_good = path.size() <= kKeyLimit;
  for (bool more = true; more && is_good;) {
    const std::size_t slash = rest.find('/');
    is_good = is_part(rest.substr(0, slash));
    more = slash != std::string_view::npos;
    if (more) rest.remove_prefix(slash + 1);
  }
  if (!is_good) return fail(Errc::invalid, fmt::format("\"{}\" is no name of a kernel setting", escape_for_log(path)));
  return SysctlKey(std::move(path));
}

Result<SysctlKey> SysctlKey::parse(std::string_view dotted) { return checked(with_swapped_separators(dotted)); }

Result<SysctlKey> SysctlKey::of_interface(IpFamily family, std::string_view interface, std::string_view setting) {
  // Checked by themselves: a slash in them would make two parts of one.
  if (!is_part(interface) || !is_part(setting)) {
    return fail(Errc::invalid, fmt::format("\"{}\" of interface \"{}\" is no kernel setting", escape_for_log(setting),
                                           escape_for_log(interface)));
  }
  return checked(fmt::format("net/{}/conf/{}/{}", family == IpFamily::v4 ? "ipv4" : "ipv6", interface, setting));
}

std::string SysctlKey::text() const { return with_swapped_separators(path_); }

Result<std::int64_t> Sysctl::read(const SysctlKey& key) const {
  TRY(const std::string text, read_file(path_of(key), kValueLimit));
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || std::find_if(stop, end, [](char c) { return c != '\n'; }) != end)
    return fail(Errc::invalid, fmt::format("{} holds no whole number", key.text()));
  return value;
}

Result<void> Sysctl::write(const SysctlKey& key, std::int64_t value) const {
  const std::string action = fmt::format("set {} to {}", key.text(), value);
  const UniqueFd file(::open(path_of(key).c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW));
  if (!file) return std::unexpected(error_from_errno(errno == EROFS ? EACCES : errno, action));
  const std::string text = fmt::format("{}\n", value);
  // One write: the kernel takes each as a whole value.
  if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return std::unexpected(error_from_errno(errno, action));
  return {};
}

}  // namespace moenet::net
