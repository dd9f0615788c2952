#include "base/program.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include "base/fd.h"
#include "base/spawn.h"

namespace moenet {

namespace {

// A memory file to read from its start: unlike a pipe, nobody has to feed it while the program runs.
Result<UniqueFd> readable(std::string_view text) {
  UniqueFd file(::memfd_create("program-input", MFD_CLOEXEC));
  if (!file) return std::unexpected(error_from_errno(errno, "make a memory file"));
  while (!text.empty()) {
    const ssize_t put = ::write(file.get(), text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return std::unexpected(error_from_errno(errno, "write a memory file"));
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

class Process {
 public:
  static Result<Process> start(const std::vector<std::string>& words, std::string_view input) {
    Process process;
    TRY(const UniqueFd in, readable(input));
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0)
      return std::unexpected(error_from_errno(errno, "make a pipe"));
    process.output_ = UniqueFd(ends[0]);
    const UniqueFd out(ends[1]);
    (void)::fcntl(out.get(), F_SETFL, 0);  // the program's end blocks, as programs expect
    TRY(auto started, spawn_program({.words = words,
                                     .default_path = "/usr/bin:/bin",
                                     .environment = "LC_ALL=C",
                                     .input = in.get(),
                                     .output = out.get()},
                                    "start " + words.front()));
    process.pid_ = started.pid;
    process.ended_ = std::move(started.ended);
    return process;
  }
  Process(Process&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)), ended_(std::move(other.ended_)), output_(std::move(other.output_)) {}
  Process& operator=(Process&&) = delete;
  ~Process() { (void)reap(); }

  // Until it ended; its output so far is in `text`.
  Result<void> follow(std::string& text, std::size_t most, Deadline deadline) {
    for (;;) {
      std::array<pollfd, 2> entries{pollfd{ended_.get(), POLLIN, 0}, pollfd{output_.get(), POLLIN, 0}};
      const int ready = ::poll(entries.data(), entries.size(), static_cast<int>(deadline.left().count()));
      if (ready < 0 && errno != EINTR) return std::unexpected(error_from_errno(errno, "wait for it"));
      if (ready == 0) return fail(Errc::timeout, "it did not end in time");
      const bool has_ended = ready > 0 && entries[0].revents != 0;
      take(text, most);
      if (text.size() > most) return fail(Errc::invalid, "it wrote too much");
      if (has_ended) return {};
    }
  }

  // Kills the group, of which the process is a member until it is waited for, so its number cannot be another's.
  int reap() {
    if (pid_ < 0) return 0;
    (void)::kill(-pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  Process() = default;

  // What is there now; a closed pipe is left out of further polls.
  void take(std::string& text, std::size_t most) {
    std::array<char, 4096> buffer{};
    while (output_ && text.size() <= most) {
      const ssize_t got = ::read(output_.get(), buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return;  // EAGAIN
      if (got == 0) return output_.reset();
      text.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }

  pid_t pid_ = -1;
  UniqueFd ended_;
  UniqueFd output_;
};

}  // namespace

Result<ProgramEnd> run_program(const std::vector<std::string>& words, std::string_view input, std::size_t most_output,
                               Deadline deadline) {
  TRY(auto process, Process::start(words, input));
  ProgramEnd end;
  if (auto followed = process.follow(end.output, most_output, deadline); !followed)
    return std::unexpected(with_context(followed.error(), words.front()));
  end.status = process.reap();
  return end;
}

}  // namespace moenet
