// A real BIRD in a network namespace of its own, with its files in a folder of its own: nothing touches the host.
// Loopback is up.
#pragma once

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sstream>
#include <string>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/fd.h"
#include "bird/client.h"
#include "support/temporary_folder.h"

namespace moenet::bird {

struct BirdProgram {
  std::string name;  // fit for a test's name
  std::string path;

  bool is_there() const { return ::access(path.c_str(), X_OK) == 0; }
};

inline void PrintTo(const BirdProgram& program, std::ostream* out) { *out << program.name; }

inline std::vector<BirdProgram> bird_programs() {
  return {{"system", "/usr/sbin/bird"},
          {"bird2_17", MOENET_SOURCE_DIR "/.deps/bird2.17/bin/bird"},
          {"bird3", MOENET_SOURCE_DIR "/.deps/bird3/bin/bird"}};
}

inline std::string name_of_program(const testing::TestParamInfo<BirdProgram>& info) { return info.param.name; }

inline void write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  ASSERT_TRUE(file.good()) << path;
}

inline std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline Deadline soon() { return Deadline::after(std::chrono::seconds(20)); }

class RealBird {
 public:
  explicit RealBird(std::string program) : program_(std::move(program)) {
    std::filesystem::create_directory(peers());
    std::filesystem::permissions(peers(), std::filesystem::perms(0750));
  }
  ~RealBird() { kill(); }

  std::string main() const { return folder_ / "bird.conf"; }
  std::string peers() const { return folder_ / "peers"; }
  std::string socket() const { return folder_ / "bird.ctl"; }
  std::string file(const std::string& name) const { return folder_ / name; }

  // Until it answers.
  void start() {
    pid_ = ::fork();
    ASSERT_GE(pid_, 0);
    if (pid_ == 0) run();
    const Deadline deadline = soon();
    while (!BirdClient::connect(socket(), deadline, {})) {
      ASSERT_EQ(::waitpid(pid_, nullptr, WNOHANG), 0) << "BIRD ended: " << text_of(file("stderr"));
      ASSERT_FALSE(deadline.passed()) << text_of(file("stderr"));
      ::usleep(2000);
    }
  }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::kill(pid_, SIGCONT);
    ::waitpid(pid_, nullptr, 0);
    ::unlink(socket().c_str());
    pid_ = -1;
  }
  void restart() {
    kill();
    start();
  }
  void signal(int number) const { ::kill(pid_, number); }

 private:
  [[noreturn]] void run() const {
    if (::geteuid() != 0 && ::unshare(CLONE_NEWUSER) != 0) _exit(70);
    if (::unshare(CLONE_NEWNET) != 0) _exit(71);
    const int any = ::socket(AF_INET, SOCK_DGRAM, 0);
    ifreq request{};
    request.ifr_name[0] = 'l';
    request.ifr_name[1] = 'o';
    request.ifr_flags = IFF_UP;
    ::ioctl(any, SIOCSIFFLAGS, &request);
    const int errors = ::open(file("stderr").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(errors, 1);
    ::dup2(errors, 2);
    const std::string config = main(), control = socket(), pid = file("bird.pid");
    ::execl(program_.c_str(), "bird", "-f", "-c", config.c_str(), "-s", control.c_str(), "-P", pid.c_str(), nullptr);
    _exit(72);
  }

  support::TemporaryFolder folder_;
  std::string program_;
  pid_t pid_ = -1;
};

// Asks until `holds`, or fails the test.
inline void wait_until(const std::string& what, const std::function<bool()>& holds) {
  const Deadline deadline = soon();
  while (!holds()) {
    ASSERT_FALSE(deadline.passed()) << "never: " << what;
    ::usleep(5000);
  }
}

}  // namespace moenet::bird
