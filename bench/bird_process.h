// BirdProcess: a BIRD for a benchmark, and what every benchmark says of a failure.
#pragma once

#include <csignal>
#include <spawn.h>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <type_traits>
#include <unistd.h>
#include <utility>
#include <vector>

#include "base/result.h"

namespace moenet::bench {

// A benchmark that cannot be set up has no figures: the exception ends it with the cause.
template <class T>
T need(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().what);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// Ends with this object.
class BirdProcess {
 public:
  BirdProcess(const std::string& config, const std::string& socket) {
    std::vector<std::string> words{"bird", "-f", "-c", config, "-s", socket, "-P", socket + ".pid"};
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    if (::posix_spawnp(&pid_, "bird", nullptr, nullptr, arguments.data(), environ) != 0)
      throw std::runtime_error("bird does not start: ./dev setup installs it");
  }
  BirdProcess(const BirdProcess&) = delete;
  BirdProcess& operator=(const BirdProcess&) = delete;
  ~BirdProcess() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }

 private:
  pid_t pid_ = 0;
};

}  // namespace moenet::bench
