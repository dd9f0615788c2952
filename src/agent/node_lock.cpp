#include "agent/node_lock.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/file.h"

namespace moenet::agent {

Result<UniqueFd> lock_node(const std::string& state_folder) {
  TRY_VOID(make_folder(state_folder, 0700));
  const std::string path = state_folder + "/lock";
  UniqueFd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock) return std::unexpected(error_from_errno(errno, "open " + path));
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return std::unexpected(error_from_errno(errno, "lock " + path));
    char pid[16] = {};
    const auto length = ::read(lock.get(), pid, sizeof pid - 1);
    return fail(Errc::conflict,
                fmt::format("another moenet-agent runs on this node (pid {}, {} is locked)",
                            length > 0 ? std::string_view(pid, static_cast<std::size_t>(length)) : "unknown", path));
  }
  // For the message above only: a full disk keeps no agent from starting.
  const std::string pid = fmt::format("{}", ::getpid());
  [[maybe_unused]] const bool is_noted =
      ::ftruncate(lock.get(), 0) == 0 && ::pwrite(lock.get(), pid.data(), pid.size(), 0) > 0;
  return lock;
}

}  // namespace moenet::agent
