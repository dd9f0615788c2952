// Chance: all that a simulation leaves to chance, drawn from one seed. The same seed gives the same draws on every
// machine and compiler (SplitMix64, Steele et al. 2014), which the distributions of <random> do not promise.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace moenet::simulation {

class Chance {
 public:
  explicit Chance(std::uint64_t seed) : state_(seed) {}

  std::uint64_t bits() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  double fraction() { return static_cast<double>(bits() >> 11) * 0x1.0p-53; }  // in [0, 1)
  bool happens(double probability) { return fraction() < probability; }
  // REQUIRES: from <= to. Both may come.
  int between(int from, int to) {
    return from + static_cast<int>(bits() % (static_cast<std::uint64_t>(to - from) + 1));
  }
  std::chrono::milliseconds between(std::chrono::milliseconds from, std::chrono::milliseconds to) {
    return from + std::chrono::milliseconds(bits() % (static_cast<std::uint64_t>((to - from).count()) + 1));
  }
  // REQUIRES: not empty.
  template <class T>
  T& one_of(std::vector<T>& choices) {
    return choices[bits() % choices.size()];
  }

 private:
  std::uint64_t state_;
};

}  // namespace moenet::simulation
