#include "base/spawn.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fmt/format.h>

namespace moenet {
namespace {

struct Attributes {
  posix_spawnattr_t value;

  Attributes() {
    ::posix_spawnattr_init(&value);
    sigset_t all;
    sigset_t none;
    ::sigfillset(&all);
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigdefault(&value, &all);
    ::posix_spawnattr_setsigmask(&value, &none);
    ::posix_spawnattr_setflags(&value, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  ~Attributes() { ::posix_spawnattr_destroy(&value); }
};

struct FileActions {
  posix_spawn_file_actions_t value;

  explicit FileActions(const SpawnPlan& plan) {
    ::posix_spawn_file_actions_init(&value);
    add(plan.input, STDIN_FILENO, O_RDONLY);
    add(plan.output, STDOUT_FILENO, O_WRONLY);
    add(plan.errors, STDERR_FILENO, O_WRONLY);
    ::posix_spawn_file_actions_addclosefrom_np(&value, STDERR_FILENO + 1);
    ::posix_spawn_file_actions_addchdir_np(&value, "/");
  }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  ~FileActions() { ::posix_spawn_file_actions_destroy(&value); }

 private:
  void add(int given, int standard, int access) {
    if (given >= 0) {
      ::posix_spawn_file_actions_adddup2(&value, given, standard);
    } else {
      ::posix_spawn_file_actions_addopen(&value, standard, "/dev/null", access, 0);
    }
  }
};

}  // namespace

Result<SpawnedProgram> spawn_program(const SpawnPlan& plan, const std::string& action) {
  const FileActions files(plan);
  const Attributes attributes;
  const char* path = ::secure_getenv("PATH");
  std::string path_entry = "PATH=" + (path != nullptr ? std::string(path) : std::string(plan.default_path));
  std::string other_entry = plan.environment;
  std::array<char*, 3> environment{path_entry.data(), other_entry.data(), nullptr};
  std::vector<std::string> words = plan.words;
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  SpawnedProgram program;
  const int error = ::posix_spawnp(&program.pid, arguments.front(), &files.value, &attributes.value, arguments.data(),
                                   environment.data());
  if (error == ENOENT) return fail(Errc::not_found, fmt::format("{} is not installed", plan.words.front()));
  if (error != 0) return std::unexpected(error_from_errno(error, action));
  program.ended = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, program.pid, 0)));
  return program;
}

}  // namespace moenet
