#include "net/isolated.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <string_view>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "base/fd.h"

namespace moenet::net {

namespace {

// An answer is one byte that says what it is, and the text: of the value, or of the error.
constexpr char kValue = 'v';
constexpr char kFirstError = '0';  // and the code's number
constexpr int kCalledExit = 111;   // chosen: no status that means anything else

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) return;  // nobody listens any more
    if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

[[noreturn]] void be_child(int answer, pid_t parent, const std::function<Result<std::string>()>& work) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(kCalledExit);
  // exit() must not run what the parent has registered; the last one registered runs first.
  std::atexit([] { ::_exit(kCalledExit); });
  // A crash here is a crash: no handler, no dump of the parent's memory and keys.
  for (const int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGTERM, SIGINT, SIGHUP}) {
    (void)::signal(signal, SIG_DFL);
  }
  const rlimit none{0, 0};
  (void)::setrlimit(RLIMIT_CORE, &none);
  const auto own = static_cast<unsigned>(answer);
  if (own > 3) (void)::close_range(3, own - 1, 0);
  (void)::close_range(own + 1, ~0U, 0);
  const Result<std::string> result = work();
  const char kind = result ? kValue : static_cast<char>(kFirstError + static_cast<int>(result.error().code));
  write_all(answer, std::string(1, kind));
  write_all(answer, result ? *result : result.error().what);
  ::_exit(0);
}

// Reads until the child's end closes.
Result<std::string> read_answer(int fd, Deadline deadline) {
  std::string answer;
  for (;;) {
    pollfd entry{fd, POLLIN, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(deadline.left().count()));
    if (ready == 0) return fail(Errc::timeout, "no answer in time");
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return std::unexpected(error_from_errno(errno, "poll"));
    constexpr std::size_t kChunkBytes = 65536;  // what a pipe holds
    const std::size_t size = answer.size();
    answer.resize(size + kChunkBytes);
    const ssize_t got = ::read(fd, answer.data() + size, kChunkBytes);
    answer.resize(size + (got > 0 ? static_cast<std::size_t>(got) : 0));
    if (got == 0) return answer;
    if (got < 0 && errno != EINTR) return std::unexpected(error_from_errno(errno, "read"));
    if (answer.size() > kIsolatedAnswerBytesMax) return fail(Errc::unavailable, "the answer is too long");
  }
}

// Its wait status; it is killed when it is of no use any more.
int reap(pid_t child, bool kill) {
  if (kill) (void)::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return 0;
  }
  return status;
}

}  // namespace

Result<std::string> run_isolated(const std::function<Result<std::string>()>& work, Deadline deadline) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return std::unexpected(error_from_errno(errno, "make a pipe"));
  const UniqueFd reading(ends[0]);
  UniqueFd writing(ends[1]);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return std::unexpected(error_from_errno(errno, "fork"));
  if (child == 0) be_child(writing.get(), parent, work);
  writing.reset();
  auto answer = read_answer(reading.get(), deadline);
  const int status = reap(child, !answer);
  TRY_VOID(answer);
  if (WIFSIGNALED(status)) return fail(Errc::unavailable, fmt::format("it crashed (signal {})", WTERMSIG(status)));
  if (status != 0 || answer->empty()) return fail(Errc::unavailable, "it gave up");
  const char kind = answer->front();
  answer->erase(0, 1);
  if (kind == kValue) return answer;
  return fail(static_cast<Errc>(kind - kFirstError), *std::move(answer));
}

}  // namespace moenet::net
