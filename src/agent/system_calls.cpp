// seccomp(2), by libseccomp. The list is what glibc of Debian 12 and 13 makes of what we, curl, GnuTLS, microhttpd and
// libnftables call, and the runtimes of Go and Rust for the daemons; tests/e2e/test_system_calls.py holds it to life.
#include "agent/system_calls.h"

#include <cerrno>
#include <memory>
#include <sched.h>
#include <seccomp.h>
#include <sys/socket.h>

namespace moenet::agent {
namespace {

// A name that this libseccomp or this machine does not have is no call that can be made.
constexpr const char* kAllowed[] = {
    // memory
    "brk", "madvise", "membarrier", "mincore", "mmap", "mprotect", "mremap", "munmap",
    // threads and time
    "arch_prctl", "clock_getres", "clock_gettime", "clock_nanosleep", "exit", "exit_group", "futex", "get_robust_list",
    "getcpu", "gettid", "gettimeofday", "nanosleep", "restart_syscall", "rseq", "sched_getaffinity", "sched_yield",
    "set_robust_list", "set_tid_address", "time", "timer_create", "timer_delete", "timer_settime", "timerfd_create",
    "timerfd_settime",
    // processes and signals
    "capget", "capset", "execve", "getegid", "geteuid", "getgid", "getgroups", "getpgrp", "getpid", "getppid",
    "getresgid", "getresuid", "getrlimit", "getrusage", "getsid", "getuid", "kill", "pause", "pidfd_open",
    "pidfd_send_signal", "prctl", "prlimit64", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigreturn",
    "rt_sigsuspend", "rt_sigtimedwait", "setpgid", "setrlimit", "setsid", "sigaltstack", "signalfd4", "sysinfo",
    "tgkill", "umask", "uname", "vfork", "wait4", "waitid",
    // files
    "access", "chdir", "chmod", "chown", "close", "close_range", "dup", "dup2", "dup3", "faccessat", "faccessat2",
    "fadvise64", "fchdir", "fchmod", "fchmodat", "fchmodat2", "fchown", "fchownat", "fcntl", "fdatasync", "flock",
    "fstat", "fstatfs", "fsync", "ftruncate", "getcwd", "getdents64", "getrandom", "inotify_add_watch", "inotify_init1",
    "inotify_rm_watch", "ioctl", "link", "linkat", "lseek", "lstat", "memfd_create", "mkdir", "mkdirat", "newfstatat",
    "open", "openat", "pipe", "pipe2", "pread64", "preadv", "pwrite64", "pwritev", "read", "readlink", "readlinkat",
    "readv", "rename", "renameat", "renameat2", "rmdir", "sendfile", "stat", "statfs", "statx", "syncfs", "unlink",
    "unlinkat", "write", "writev",
    // waiting, and sockets that are there
    "accept", "accept4", "bind", "connect", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2",
    "epoll_wait", "eventfd2", "getpeername", "getsockname", "getsockopt", "listen", "poll", "ppoll", "pselect6",
    "recvfrom", "recvmmsg", "recvmsg", "select", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown",
    "socketpair"};

// As the unit's RestrictAddressFamilies.
constexpr int kFamilies[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET};

// clone() may start threads and processes, not namespaces: they would give a process capabilities again.
constexpr scmp_datum_t kNamespaces =
    CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUSER | CLONE_NEWUTS;
#if defined(__s390__)
constexpr unsigned kCloneFlags = 1;  // which argument of clone(2) has the flags
#else
constexpr unsigned kCloneFlags = 0;
#endif

using Filter = std::unique_ptr<void, decltype([](scmp_filter_ctx filter) { ::seccomp_release(filter); })>;

// libseccomp returns negated error numbers; the first one stays in `number`.
void note(int returned, int& number) {
  if (returned < 0 && number == 0) number = -returned;
}

Filter allowing_needed(int& number) {
  Filter filter(::seccomp_init(SCMP_ACT_ERRNO(ENOSYS)));
  if (!filter) return filter;
  note(::seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS)), number);
  note(::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_LOG, 1), number);
  note(::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2), number);  // a binary tree
  for (const char* name : kAllowed) {
    if (const int call = ::seccomp_syscall_resolve_name(name); call != __NR_SCMP_ERROR)
      note(::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0), number);
  }
  for (const int family : kFamilies) {
    note(::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                            SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(family))),
         number);
  }
  note(::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                          SCMP_CMP(kCloneFlags, SCMP_CMP_MASKED_EQ, kNamespaces, 0)),
       number);
  note(::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(clone3), 0), number);  // is refusing_quietly()'s
  return filter;
}

// clone3() has its flags where no filter sees them. libc tries it for each thread and then takes clone(): nothing that
// the kernel's log should tell.
Filter refusing_quietly(int& number) {
  Filter filter(::seccomp_init(SCMP_ACT_ALLOW));
  if (!filter) return filter;
  note(::seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW), number);
  note(::seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0), number);
  return filter;
}

}  // namespace

Result<void> allow_needed_system_calls() {
  int number = 0;
  const Filter quiet = refusing_quietly(number);
  const Filter needed = allowing_needed(number);
  if (!quiet || !needed) return fail(Errc::internal, "make a filter of system calls: no memory");
  if (number == 0) note(::seccomp_load(quiet.get()), number);
  if (number == 0) note(::seccomp_load(needed.get()), number);
  if (number == 0) return {};
  // What the kernel refuses, libseccomp calls ECANCELED.
  if (number == ECANCELED) return fail(Errc::unavailable, "this kernel takes no filter of system calls");
  return std::unexpected(error_from_errno(number, "filter system calls"));
}

}  // namespace moenet::agent
