// What measuring 1,000 neighbors costs: five echoes to each address of loopback, one packet a millisecond, by the
// agent's pinger and by `fping -i1 -C5 -q` in turns. Both do the kernel's part of loopback in their own time, echo and
// reply alike.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <map>
#include <sched.h>
#include <spawn.h>
#include <stdexcept>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include "bird_process.h"
#include "net/link.h"
#include "net/netlink.h"
#include "net/pinger.h"

namespace moenet::net {
namespace {

using bench::need;
using std::chrono::duration;
using std::chrono::microseconds;

constexpr unsigned kTargets = 1000;
constexpr unsigned kEchoes = 5;
constexpr unsigned kRounds = 3;

struct Cost {
  double seconds = 0;
  double cpu_milliseconds = 0;
  double user_milliseconds = 0;
  unsigned received = 0;  // of ours
  double median_microseconds = 0;
};

double milliseconds_of(const timeval& time) {
  return duration<double, std::milli>(std::chrono::seconds(time.tv_sec) + microseconds(time.tv_usec)).count();
}

Cost cost_of(SteadyTime began, const rusage& before, const rusage& after) {
  Cost cost;
  cost.seconds = duration<double>(steady_now() - began).count();
  cost.user_milliseconds = milliseconds_of(after.ru_utime) - milliseconds_of(before.ru_utime);
  cost.cpu_milliseconds = cost.user_milliseconds + milliseconds_of(after.ru_stime) - milliseconds_of(before.ru_stime);
  return cost;
}

std::vector<IpAddress> addresses() {
  std::vector<IpAddress> list;
  for (unsigned i = 0; i < kTargets; ++i)
    list.push_back(
        IpAddress::v4({127, 7, static_cast<std::uint8_t>(1 + i / 250), static_cast<std::uint8_t>(1 + i % 250)}));
  return list;
}

Cost measure_ours() {
  std::vector<EchoTarget> targets;
  for (const auto& address : addresses()) targets.push_back({address, 0, std::nullopt});
  rusage before{};
  rusage after{};
  const auto began = steady_now();
  ::getrusage(RUSAGE_SELF, &before);
  EchoPlan plan;
  plan.count = kEchoes;
  const auto results = need(need(Pinger::open())->measure(targets, plan, {}));
  ::getrusage(RUSAGE_SELF, &after);
  Cost cost = cost_of(began, before, after);
  std::vector<std::chrono::nanoseconds> times;
  for (const auto& result : results) {
    cost.received += result.received();
    times.insert(times.end(), result.times.begin(), result.times.end());
  }
  std::ranges::sort(times);
  if (!times.empty()) cost.median_microseconds = duration<double, std::micro>(times[times.size() / 2]).count();
  return cost;
}

Cost measure_fping() {
  std::vector<std::string> words{"fping", "-i1", fmt::format("-C{}", kEchoes), "-q"};
  for (const auto& address : addresses()) words.push_back(address.text());
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  const auto began = steady_now();
  pid_t pid = 0;
  if (::posix_spawnp(&pid, "fping", &files, nullptr, arguments.data(), environ) != 0)
    throw std::runtime_error("fping does not start: ./dev setup installs it");
  ::posix_spawn_file_actions_destroy(&files);
  int status = 0;
  rusage used{};
  ::wait4(pid, &status, 0, &used);
  if (status != 0) throw std::runtime_error("fping missed replies or failed");
  return cost_of(began, {}, used);
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void enter_own_network() {
  if (::unshare(CLONE_NEWNET) != 0) throw std::runtime_error("a network namespace needs root");
  auto socket = need(NetlinkSocket::open(NetlinkFamily::route));
  const auto deadline = Deadline::after(std::chrono::seconds(10));
  LinkChange up;
  up.up = true;
  need(change_link(socket, need(index_of(socket, "lo", deadline)), "lo", up, deadline));
}

bool run() {
  enter_own_network();
  std::map<std::string, std::vector<double>> seconds;
  std::map<std::string, std::vector<double>> cpu;
  bool got_all = true;
  for (unsigned round = 0; round < kRounds; ++round) {
    for (const char* whose : {"fping", "ours"}) {
      const bool is_ours = whose == std::string_view("ours");
      const Cost cost = is_ours ? measure_ours() : measure_fping();
      seconds[whose].push_back(cost.seconds);
      cpu[whose].push_back(cost.cpu_milliseconds);
      fmt::print("  {:5}: {:.3f} s, {:5.1f} ms of CPU, {:5.1f} of them user", whose, cost.seconds,
                 cost.cpu_milliseconds, cost.user_milliseconds);
      if (is_ours) fmt::print("; {} replies, median {:.1f} us", cost.received, cost.median_microseconds);
      fmt::print("\n");
      got_all = got_all && (!is_ours || cost.received == kTargets * kEchoes);
    }
  }
  const double ours = median(seconds["ours"]);
  const double theirs = median(seconds["fping"]);
  const double our_cpu = median(cpu["ours"]);
  const double their_cpu = median(cpu["fping"]);
  fmt::print("\n{} targets, {} echoes each: {:.3f} s (budget fping's {:.3f}): {}\n", kTargets, kEchoes, ours, theirs,
             ours <= theirs ? "pass" : "FAIL");
  fmt::print("CPU: {:.1f} ms (budget fping's {:.1f}): {}\n", our_cpu, their_cpu, our_cpu < their_cpu ? "pass" : "FAIL");
  if (!got_all) fmt::print("not every echo was answered: FAIL\n");
  return ours <= theirs && our_cpu < their_cpu && got_all;
}

}  // namespace
}  // namespace moenet::net

int main() { return moenet::net::run() ? EXIT_SUCCESS : EXIT_FAILURE; }
