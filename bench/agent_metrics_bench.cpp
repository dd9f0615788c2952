// What a scrape of /metrics costs: from the snapshots of a node of which everything is known to the text. It runs on
// the API's one thread, so it is held to a budget.
#include <malloc.h>
#include <map>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "agent/metrics_sample.h"

namespace moenet::agent {
namespace {

constexpr double kBudgetMilliseconds = 20;  // for 1,000 sessions (docs/benchmarks.md)

std::map<std::int64_t, double> scrape_milliseconds;  // medians

std::chrono::duration<double> cpu_now() {
  timespec spent{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return std::chrono::seconds(spent.tv_sec) + std::chrono::nanoseconds(spent.tv_nsec);
}

void scrape(benchmark::State& state) {
  const MetricsSource source = sample::known_node(static_cast<unsigned>(state.range(0)));
  std::vector<double> spent;
  std::size_t bytes = 0;
  for (auto _ : state) {
    const auto begun = cpu_now();
    const std::string text = metrics_text(source);
    const auto took = cpu_now() - begun;
    bytes = text.size();
    state.SetIterationTime(took.count());
    spent.push_back(took.count() * 1e3);
  }
  state.counters["bytes"] = static_cast<double>(bytes);
  std::ranges::sort(spent);
  scrape_milliseconds[state.range(0)] = spent[spent.size() / 2];
}
BENCHMARK(scrape)->Arg(100)->Arg(1'000)->UseManualTime()->Iterations(50)->Unit(benchmark::kMillisecond);

bool judge() {
  const double spent = scrape_milliseconds[1'000];
  const bool is_within = spent < kBudgetMilliseconds;
  fmt::print("\na scrape of 1,000 sessions: {:.1f} ms of CPU (budget {}): {}\n", spent, kBudgetMilliseconds,
             is_within ? "pass" : "FAIL");
  return is_within;
}

}  // namespace
}  // namespace moenet::agent

int main(int argc, char** argv) {
  ::mallopt(M_ARENA_MAX, 1);  // as the agent does (src/agent/main.cpp)
  ::mallopt(M_MMAP_THRESHOLD, 256 << 10);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return moenet::agent::judge() ? EXIT_SUCCESS : EXIT_FAILURE;
}
