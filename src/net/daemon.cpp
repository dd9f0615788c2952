#include "net/daemon.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/spawn.h"

namespace moenet::net {

namespace {

// An operator needs the last line or two.
constexpr std::size_t kTailBytes = 300;

// One started process and the memory file that takes its stderr: a file never blocks it, and sealed afterwards it takes
// no more.
class Process {
 public:
  static Result<Process> start(const std::string& program, const std::string& argument) {
    Process process;
    process.stderr_ = UniqueFd(::memfd_create("daemon-stderr", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!process.stderr_) return std::unexpected(error_from_errno(errno, "make a memory file"));
    const std::vector<std::string> words{program, argument};
    TRY(auto started, spawn_program({.words = words,
                                     .default_path = "/usr/sbin:/usr/bin:/sbin:/bin",
                                     .environment = "WG_SUDO=1",
                                     .errors = process.stderr_.get()},
                                    fmt::format("start {} {}", program, argument)));
    process.pid_ = started.pid;
    process.ended_ = std::move(started.ended);
    return process;
  }

  // Waits for the end; kills the process at the deadline.
  Result<void> finish(const std::string& action, Deadline deadline) {
    const bool in_time = wait_for_end(deadline);
    if (!in_time) (void)::kill(pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0) {
      if (errno == EINTR) continue;
      status = 0;  // ECHILD: somebody ignores SIGCHLD, and the kernel took the status
      break;
    }
    (void)::fcntl(stderr_.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SEAL);
    if (!in_time) return fail(Errc::timeout, fmt::format("{}: not ready in time", action));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    const std::string how =
        WIFEXITED(status) ? fmt::format("status {}", WEXITSTATUS(status)) : fmt::format("signal {}", WTERMSIG(status));
    return fail(Errc::unavailable, fmt::format("{}: {}: {}", action, how, stderr_tail(read_stderr())));
  }

 private:
  bool wait_for_end(Deadline deadline) const {
    pollfd entry{ended_.get(), POLLIN, 0};
    for (;;) {
      const int ready = ::poll(&entry, 1, static_cast<int>(deadline.left().count()));
      if (ready > 0) return true;
      if (ready == 0 || errno != EINTR) return false;
    }
  }

  std::string read_stderr() const {
    std::string text(4096, '\0');
    const off_t size = ::lseek(stderr_.get(), 0, SEEK_END);
    const off_t start = std::max<off_t>(0, size - static_cast<off_t>(text.size()));
    const ssize_t read = ::pread(stderr_.get(), text.data(), text.size(), start);
    text.resize(read > 0 ? static_cast<std::size_t>(read) : 0);
    return text;
  }

  pid_t pid_ = -1;
  UniqueFd ended_;
  UniqueFd stderr_;
};

}  // namespace

std::string stderr_tail(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  if (text.size() > kTailBytes) text.remove_prefix(text.size() - kTailBytes);
  std::string tail;
  for (const char c : text) tail.push_back(c >= ' ' && c < '\x7f' ? c : ' ');
  return tail.empty() ? "it said nothing" : tail;
}

std::vector<Result<void>> start_daemons(const std::string& program, const std::vector<std::string>& arguments,
                                        Deadline deadline) {
  std::vector<Result<Process>> processes;
  for (const auto& argument : arguments) processes.push_back(Process::start(program, argument));
  std::vector<Result<void>> results;
  for (std::size_t i = 0; i < processes.size(); ++i) {
    auto& process = processes[i];
    results.push_back(process ? process->finish(fmt::format("{} {}", program, arguments[i]), deadline)
                              : std::unexpected(std::move(process).error()));
  }
  return results;
}

void kill_daemons(const std::string& program, const std::string& argument) {
  const std::string wanted = program + '\0' + argument + '\0';
  const auto own_network = std::filesystem::path("/proc/thread-self/ns/net");
  std::error_code failed;
  for (std::filesystem::directory_iterator entry("/proc", failed), end; !failed && entry != end;
       entry.increment(failed)) {
    const std::string name = entry->path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const auto words = read_file(entry->path() / "cmdline", wanted.size());
    std::error_code gone;
    if (!words || *words != wanted || !std::filesystem::equivalent(entry->path() / "ns/net", own_network, gone))
      continue;
    (void)::kill(std::stoi(name), SIGKILL);
  }
}

}  // namespace moenet::net
