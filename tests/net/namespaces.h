// Network namespaces for tests: the whole test program runs in its own, so that it may make and break links at will,
// and a test may have more of them.
#pragma once

#include <cerrno>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <sched.h>
#include <set>
#include <spawn.h>
#include <stdexcept>
#include <string>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/fd.h"
#include "net/link.h"

namespace moenet::net::testing {

inline Deadline soon() { return Deadline::after(std::chrono::seconds(10)); }

// Asks until it holds; false when it never does. For what somebody else (a kernel, a daemon) does a moment later.
inline bool eventually(const std::function<bool()>& holds) {
  const Deadline limit = soon();
  while (!holds()) {
    if (limit.passed()) return false;
    std::this_thread::yield();
  }
  return true;
}

inline void require(bool condition, const std::string& what) {
  if (!condition) throw std::runtime_error(what + ": " + std::strerror(errno));
}

// The network namespace of the calling thread, by which two of them are told apart.
inline ino_t own_network() {
  struct stat status{};
  require(::stat("/proc/thread-self/ns/net", &status) == 0, "look at the network namespace");
  return status.st_ino;
}

// Those that enter_new_namespaces() has made. When one is gone its number may come again, but never as the machine's.
class MadeNetworks {
 public:
  static void add(ino_t network) {
    const std::lock_guard lock(mutex());
    all().insert(network);
  }
  static bool contains(ino_t network) {
    const std::lock_guard lock(mutex());
    return all().contains(network);
  }

 private:
  static std::mutex& mutex() {
    static std::mutex only;
    return only;
  }
  static std::set<ino_t>& all() {
    static std::set<ino_t> only;
    return only;
  }
};

// Throws where the calling thread is in a network that this program did not make: what changes links, addresses and
// sysctls asks first, so that it can never change those of the machine.
inline void require_made_network() {
  if (!MadeNetworks::contains(own_network()))
    throw std::runtime_error("this test changes the network, and runs in one that it did not make");
}

// A network and a mount namespace for the calling thread, with `lo` up and an empty /run/wireguard: UAPI sockets live
// in the file system. Without root, a user namespace in which we are root comes first.
inline void enter_new_namespaces() {
  const uid_t uid = ::getuid();
  const gid_t gid = ::getgid();
  require(::unshare((uid == 0 ? 0 : CLONE_NEWUSER) | CLONE_NEWNET | CLONE_NEWNS) == 0, "unshare");
  MadeNetworks::add(own_network());
  if (uid != 0) {
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << fmt::format("0 {} 1", uid);
    std::ofstream("/proc/self/gid_map") << fmt::format("0 {} 1", gid);
  }
  require(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "make mounts private");
  require(::mount("none", "/run", "tmpfs", 0, nullptr) == 0, "mount a tmpfs on /run");
  require(::mkdir("/run/wireguard", 0755) == 0, "make /run/wireguard");
  auto socket = NetlinkSocket::open(NetlinkFamily::route).value();
  LinkChange up;
  up.up = true;
  const auto done = change_link(socket, index_of(socket, "lo", soon()).value(), "lo", up, soon());
  if (!done) throw std::runtime_error(done.error().what);
}

// For the calling thread, in a mount namespace of its own: containers often have /proc/sys read-only.
inline void make_sysctls_writable() {
  require_made_network();
  if (::access("/proc/sys/net/ipv4/ip_forward", W_OK) == 0 || errno != EROFS) return;
  require(::mount(nullptr, "/proc/sys", nullptr, MS_REMOUNT | MS_BIND, nullptr) == 0, "make /proc/sys writable");
}

// The whole test program in its own namespaces: add it as an environment in one of the program's files.
class OwnNamespaces : public ::testing::Environment {
 public:
  void SetUp() override { enter_new_namespaces(); }
};

// The processes whose command line is `wireguard-go NAME`.
inline std::vector<pid_t> daemons_of(const std::string& name) {
  std::vector<pid_t> pids;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream file(entry.path() / "cmdline");
    const std::string line{std::istreambuf_iterator<char>(file), {}};
    if (line == std::string("wireguard-go\0", 13) + name + '\0') pids.push_back(std::stoi(entry.path().filename()));
  }
  return pids;
}

// Writes a setting of the network.
inline void write_sysctl(const std::string& path, const std::string& value) {
  require_made_network();
  std::ofstream file(path);
  file << value << std::flush;
  require(file.good(), "write " + path);
}

// Runs a program without a shell, of which busybox's would take its own `ip` for ours. Its exit status.
inline int run_program(std::vector<std::string> words) {
  require_made_network();
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t pid = 0;
  require(::posix_spawnp(&pid, arguments[0], nullptr, nullptr, arguments.data(), environ) == 0, "start " + words[0]);
  int status = 0;
  require(::waitpid(pid, &status, 0) == pid, "wait for " + words[0]);
  return status;
}

// Namespaces of their own beside those of the program; `run` runs a function inside.
class Namespaces {
 public:
  Namespaces() {
    on_thread([this] {
      enter_new_namespaces();
      network_ = open_own("net");
      mounts_ = open_own("mnt");
    });
  }

  void run(const std::function<void()>& function) const {
    on_thread([&] {
      require(::unshare(CLONE_FS) == 0,
              "unshare");  // setns() refuses a mount namespace while other threads share our root
      require(::setns(network_.get(), CLONE_NEWNET) == 0, "enter the network namespace");
      require(::setns(mounts_.get(), CLONE_NEWNS) == 0, "enter the mount namespace");
      function();
    });
  }

  // A cable between two of them.
  static void connect(const Namespaces& a, const std::string& end_a, const Namespaces& b, const std::string& end_b) {
    require(run_program({"ip", "link", "add", end_a, "netns", a.path(), "type", "veth", "peer", "name", end_b, "netns",
                         b.path()}) == 0,
            "make a veth");
  }

 private:
  // For programs that take a namespace: valid while this object lives.
  std::string path() const { return fmt::format("/proc/{}/fd/{}", ::getpid(), network_.get()); }

  static UniqueFd open_own(const char* kind) {
    UniqueFd fd(::open(fmt::format("/proc/thread-self/ns/{}", kind).c_str(), O_RDONLY | O_CLOEXEC));
    require(static_cast<bool>(fd), "open a namespace");
    return fd;
  }

  static void on_thread(const std::function<void()>& function) {
    std::exception_ptr fault;
    std::thread([&] {
      try {
        function();
      } catch (...) {
        fault = std::current_exception();
      }
    }).join();
    if (fault) std::rethrow_exception(fault);
  }

  UniqueFd network_;
  UniqueFd mounts_;
};

}  // namespace moenet::net::testing
