#include "agent/node_lock.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/file.h"
#include "base/latest.h"
#include "base/log.h"

namespace moenet::agent {
namespace {

constexpr std::size_t kLocksLimit = 16u << 20;  // some 60 bytes per lock on the host

// An agent that was killed while it started a daemon leaves a child that has not become the daemon yet, and holds the
// lock until then (seen: once in 400 kills). Chosen: far longer than an exec takes, and nobody waits for a refusal.
constexpr std::chrono::seconds kLockWithin{2};
constexpr std::chrono::milliseconds kLockPause{10};

// False with errno: the lock is another's.
bool take_lock(int file) {
  const Deadline deadline = Deadline::after(kLockWithin);
  for (;;) {
    if (::flock(file, LOCK_EX | LOCK_NB) == 0) return true;
    if (errno != EWOULDBLOCK || deadline.passed()) return false;
    Wakeup().wait(deadline.or_sooner(kLockPause), {});
  }
}

std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(word.size());
  return word;
}

}  // namespace

Result<UniqueFd> lock_node(const std::string& state_folder) {
  TRY_VOID(make_folder(state_folder, 0700));
  const std::string path = state_folder + "/lock";
  UniqueFd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  // On a disk that turned read-only the file of an earlier start can be locked all the same.
  if (!lock && errno == EROFS) lock = UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!lock) return std::unexpected(error_from_errno(errno, "open " + path));
  if (!take_lock(lock.get())) {
    if (errno != EWOULDBLOCK) return std::unexpected(error_from_errno(errno, "lock " + path));
    char pid[16] = {};
    const auto length = ::read(lock.get(), pid, sizeof pid - 1);
    return fail(Errc::conflict,
                fmt::format("another moenet-agent runs on this node (pid {}, {} is locked)",
                            length > 0 ? std::string_view(pid, static_cast<std::size_t>(length)) : "unknown", path));
  }
  // The pid is only for people: on a full or read-only disk the lock holds without it.
  const std::string pid = fmt::format("{}", ::getpid());
  if (::ftruncate(lock.get(), 0) != 0 || ::pwrite(lock.get(), pid.data(), pid.size(), 0) < 0)
    log::warning("the lock holds no pid", {{"file", path}, {"error", error_from_errno(errno, "write").what}});
  return lock;
}

Result<std::optional<pid_t>> lock_holder(const std::string& state_folder) {
  const std::string path = state_folder + "/lock";
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0 && errno == ENOENT) return std::nullopt;
  TRY(const std::string pid, read_file(path, 16));
  TRY(const std::string locks, read_file("/proc/locks", kLocksLimit));
  if (::stat(path.c_str(), &status) != 0) return std::unexpected(error_from_errno(errno, "look at " + path));
  const std::string file = fmt::format("{:02x}:{:02x}:{}", major(status.st_dev), minor(status.st_dev), status.st_ino);
  return find_lock_holder(locks, file, pid);
}

std::optional<pid_t> find_lock_holder(std::string_view locks, std::string_view file, std::string_view pid_in_file) {
  const std::string_view inode = file.substr(file.rfind(':'));
  while (!locks.empty()) {
    std::string_view line = locks.substr(0, locks.find('\n'));
    locks.remove_prefix(std::min(line.size() + 1, locks.size()));
    // 1: FLOCK  ADVISORY  WRITE 708 08:01:1311 0 EOF; one who waits for it has "->" behind the number
    std::array<std::string_view, 6> words;
    for (auto& word : words) word = next_word(line);
    const bool is_file = words[5] == file || (words[4] == pid_in_file && words[5].ends_with(inode));
    if (words[1] != "FLOCK" || !is_file) continue;
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(words[4].data(), words[4].data() + words[4].size(), pid);
    if (error == std::errc() && end == words[4].data() + words[4].size()) return pid;
  }
  return std::nullopt;
}

}  // namespace moenet::agent
