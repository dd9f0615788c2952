// The whole core, seed by seed. SIM_SEED=n runs that one and tells what happens in it; SIM_SEEDS=n runs n of them,
// from SIM_FIRST (1) on.
#include <chrono>
#include <cstdlib>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/log.h"
#include "simulation/world.h"

namespace moenet::simulation {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kIsSlow = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kIsSlow = true;
#else
constexpr bool kIsSlow = false;
#endif
#else
constexpr bool kIsSlow = false;
#endif

constexpr std::uint64_t kSeeds = 1'000;
// A sanitizer makes it ten times as slow: then as many seeds as fit, unless somebody asked for a number.
constexpr std::chrono::seconds kSlowBudget{15};

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

void tell(const std::string& what) { fmt::print(stderr, "{}\n", what); }

TEST(Simulation, EveryInvariantHoldsWhateverGoesWrong) {
  const std::uint64_t one = number_from("SIM_SEED", 0);
  log::set_threshold(one != 0 ? log::Level::info : log::Level::error);
  const std::uint64_t first = one != 0 ? one : number_from("SIM_FIRST", 1);
  const std::uint64_t count = one != 0 ? 1 : number_from("SIM_SEEDS", kSeeds);
  const bool is_limited = kIsSlow && std::getenv("SIM_SEEDS") == nullptr;
  const auto began = steady_now();
  std::uint64_t done = 0;
  while (done < count && (!is_limited || steady_now() - began < kSlowBudget)) {
    const std::uint64_t seed = first + done++;
    const auto broken = World(seed, one != 0 ? tell : std::function<void(const std::string&)>()).run();
    for (const std::string& what : broken) ADD_FAILURE() << "seed " << seed << ": " << what;
    if (!broken.empty()) {
      fmt::print("replay: SIM_SEED={} simulation_test\n", seed);
      if (number_from("SIM_GO_ON", 0) == 0) break;
    }
  }
  fmt::print("{} seeds from {} on in {:.1f} s\n", done, first,
             std::chrono::duration<double>(steady_now() - began).count());
}

// A day, and as long as operators have left a control plane dead over a weekend.
TEST(Simulation, ANodeWithoutItsControlPlaneStaysAsItIsForDays) {
  log::set_threshold(log::Level::error);
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    const auto broken = World(seed, {}).run_cut_off(std::chrono::hours(seed % 2 == 0 ? 24 : 72));
    for (const std::string& what : broken) ADD_FAILURE() << "seed " << seed << ": " << what;
  }
}

}  // namespace
}  // namespace moenet::simulation
