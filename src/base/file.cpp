#include "base/file.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "base/fd.h"

namespace moenet {

namespace {

struct PathParts {
  std::string folder;
  std::string name;
};

PathParts split(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

Result<void> write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return std::unexpected(error_from_errno(errno, "write " + path));
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

// A file that is removed unless it was renamed to its final name.
class Temporary {
 public:
  Temporary(int folder, std::string name) : folder_(folder), name_(std::move(name)) {}
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  ~Temporary() {
    if (!name_.empty()) ::unlinkat(folder_, name_.c_str(), 0);
  }

  bool rename_to(const std::string& target) {
    if (::renameat(folder_, name_.c_str(), folder_, target.c_str()) != 0) return false;
    name_.clear();
    return true;
  }

 private:
  int folder_;
  std::string name_;
};

constexpr std::string_view kTemporaryEnd = ".tmp";

// The name is cut so that the whole stays within NAME_MAX, 255 bytes.
std::string temporary_start(std::string_view name) { return fmt::format(".{}.", name.substr(0, 200)); }

// Unique among the threads of this process by the counter and among processes by the id. The leading dot keeps it out
// of globs.
std::string temporary_name(const std::string& name) {
  static std::atomic<unsigned> counter{0};
  return fmt::format("{}{}-{}{}", temporary_start(name), ::getpid(), counter.fetch_add(1), kTemporaryEnd);
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// Of `name`, or of any file when that is empty.
bool is_temporary(std::string_view entry, std::string_view name) {
  if (!entry.starts_with('.') || !entry.ends_with(kTemporaryEnd)) return false;
  entry.remove_suffix(kTemporaryEnd.size());
  const auto dot = entry.rfind('.'), dash = entry.rfind('-');
  if (dot == 0 || dash == std::string_view::npos || dash < dot) return false;
  if (!is_number(entry.substr(dot + 1, dash - dot - 1)) || !is_number(entry.substr(dash + 1))) return false;
  return name.empty() || entry.substr(0, dot + 1) == temporary_start(name);
}

UniqueFd create_new(int folder, const std::string& name) {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
  UniqueFd file(::openat(folder, name.c_str(), kFlags, 0600));
  if (file || errno != EEXIST) return file;
  // Left by a process of the same id that was killed before its rename.
  ::unlinkat(folder, name.c_str(), 0);
  return UniqueFd(::openat(folder, name.c_str(), kFlags, 0600));
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t limit_bytes) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file) return std::unexpected(error_from_errno(errno, "open " + path));
  std::string bytes;
  std::string chunk(16u << 10, '\0');  // not on the stack, where nobody wipes what it held
  for (;;) {
    const ssize_t got = ::read(file.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EISDIR) return fail(Errc::invalid, "read " + path + ": it is a folder");
    if (got < 0) return std::unexpected(error_from_errno(errno, "read " + path));
    if (got == 0) return bytes;
    if (static_cast<std::size_t>(got) > limit_bytes - bytes.size()) {
      return fail(Errc::invalid, fmt::format("read {}: it is larger than {} bytes", path, limit_bytes));
    }
    bytes.append(chunk.data(), static_cast<std::size_t>(got));
  }
}

Result<void> atomic_write_file(const std::string& path, std::string_view bytes, mode_t mode) {
  const PathParts parts = split(path);
  if (parts.name.empty() || parts.name == "." || parts.name == "..") {
    return fail(Errc::invalid, "write " + path + ": no file name");
  }
  const UniqueFd folder(::open(parts.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return std::unexpected(error_from_errno(errno, "open folder " + parts.folder));
  const std::string name = temporary_name(parts.name);
  const UniqueFd file = create_new(folder.get(), name);
  if (!file) return std::unexpected(error_from_errno(errno, "create " + parts.folder + "/" + name));
  Temporary temporary(folder.get(), name);
  if (::fchmod(file.get(), mode) != 0) return std::unexpected(error_from_errno(errno, "set the mode of " + path));
  TRY_VOID(write_all(file.get(), bytes, path));
  if (::fsync(file.get()) != 0) return std::unexpected(error_from_errno(errno, "flush " + path));
  if (!temporary.rename_to(parts.name)) return std::unexpected(error_from_errno(errno, "replace " + path));
  // Some file systems cannot flush a folder (EINVAL); the file is in place then, and no more can be done.
  if (::fsync(folder.get()) != 0 && errno != EINVAL)
    return std::unexpected(error_from_errno(errno, "flush folder " + parts.folder));
  return {};
}

void remove_temporaries(const std::string& folder, std::string_view name) {
  std::error_code failed;
  for (std::filesystem::directory_iterator entry(folder, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    if (is_temporary(entry->path().filename().native(), name)) ::unlink(entry->path().c_str());
  }
}

Result<void> make_folder(const std::string& path, mode_t mode) {
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) return {};
    return fail(Errc::conflict, "make folder " + path + ": it is there and no folder");
  }
  const auto parent_end = path.find_last_of('/');
  if (parent_end != std::string::npos && parent_end != 0) TRY_VOID(make_folder(path.substr(0, parent_end), 0755));
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST)
    return std::unexpected(error_from_errno(errno, "make folder " + path));
  return {};
}

}  // namespace moenet
