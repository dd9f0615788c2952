#include "agent/system_calls.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <functional>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/fd.h"
#include "base/program.h"
#include "net/isolated.h"

namespace moenet::agent {
namespace {

Deadline soon() { return Deadline::after(std::chrono::seconds(10)); }

// What becomes of a call in a process that filters: 0, or its error's name.
std::string filtered(const std::function<long()>& call) {
  const auto answer = net::run_isolated(
      [&call]() -> Result<std::string> {
        TRY_VOID(allow_needed_system_calls());
        errno = 0;
        return call() >= 0 ? "done" : std::string(::strerrorname_np(errno));
      },
      soon());
  return answer ? *answer : "failed: " + answer.error().what;
}

TEST(SystemCalls, WhatTheAgentHasNoUseForIsAsIfTheKernelHadNone) {
  EXPECT_EQ(filtered([] { return ::syscall(SYS_ptrace, 0, 0, 0, 0); }), "ENOSYS");
  EXPECT_EQ(filtered([] { return ::syscall(SYS_mount, "none", "/mnt", "tmpfs", 0, ""); }), "ENOSYS");
  EXPECT_EQ(filtered([] { return ::syscall(SYS_bpf, 0, nullptr, 0); }), "ENOSYS");
  EXPECT_EQ(filtered([] { return ::syscall(SYS_setuid, 0); }), "ENOSYS");
  EXPECT_EQ(filtered([] { return ::syscall(SYS_unshare, 0); }), "ENOSYS");
  EXPECT_EQ(filtered([] { return ::syscall(SYS_io_uring_setup, 1, nullptr); }), "ENOSYS");
}

TEST(SystemCalls, ThreadsAndProcessesAreMadeAndNamespacesAreNot) {
  EXPECT_EQ(filtered([] {
              std::thread([] {}).join();
              return 0L;
            }),
            "done");
  EXPECT_EQ(filtered([] {
              const auto end = run_program({"true"}, "", 1, soon());
              return end && end->status == 0 ? 0L : -1L;
            }),
            "done");
  EXPECT_EQ(filtered([] { return ::syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0); }), "ENOSYS");
  EXPECT_EQ(filtered([] { return ::syscall(SYS_clone3, nullptr, 0); }), "ENOSYS");
}

TEST(SystemCalls, SocketsAreThoseOfNetworksAndOfThisMachine) {
  EXPECT_EQ(filtered([] { return ::socket(AF_INET6, SOCK_DGRAM, 0); }), "done");
  EXPECT_EQ(filtered([] { return ::socket(AF_NETLINK, SOCK_RAW, 0); }), "done");
  EXPECT_EQ(filtered([] { return ::socket(AF_VSOCK, SOCK_STREAM, 0); }), "ENOSYS");
  EXPECT_EQ(filtered([] { return ::socket(AF_ALG, SOCK_SEQPACKET, 0); }), "ENOSYS");
}

TEST(SystemCalls, AProgramThatIsStartedIsHeldToThemToo) {
  const auto answer = net::run_isolated(
      []() -> Result<std::string> {
        TRY_VOID(allow_needed_system_calls());
        TRY(const auto end, run_program({"unshare", "true"}, "", 1, soon()));
        return fmt::format("{}", end.status);
      },
      soon());
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(*answer, "1") << "unshare(1) says that it cannot; it is not killed";
}

// Whether the kernel's log, from its end on, gets a line with these words within half a second.
bool kernel_log_says(const std::string& words, const std::function<void()>& cause) {
  const UniqueFd log(::open("/dev/kmsg", O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  ::lseek(log.get(), 0, SEEK_END);
  cause();
  std::array<char, 8192> line{};  // each read is one
  for (const Deadline limit = Deadline::after(std::chrono::milliseconds(500)); !limit.passed();) {
    const ssize_t got = ::read(log.get(), line.data(), line.size());
    if (got > 0 && std::string_view(line.data(), static_cast<std::size_t>(got)).contains(words)) return true;
    pollfd entry{log.get(), POLLIN, 0};
    if (got < 0) (void)::poll(&entry, 1, 100);
  }
  return false;
}

TEST(SystemCalls, TheKernelsLogNamesProgramAndCall) {
  if (::access("/dev/kmsg", R_OK) != 0 || ::geteuid() != 0) GTEST_SKIP() << "the kernel's log is not ours to read here";
  const auto account = [] { return ::syscall(SYS_acct, nullptr); };
  const std::string words = fmt::format(" syscall={} ", SYS_acct);
  bool is_told = false;
  // The kernel prints ten such lines in 5 s and leaves out others.
  for (const Deadline limit = soon(); !is_told && !limit.passed();)
    is_told = kernel_log_says(words, [&] { EXPECT_EQ(filtered(account), "ENOSYS"); });
  EXPECT_TRUE(is_told) << words;
}

}  // namespace
}  // namespace moenet::agent
