// How good a link is, in DN42's classes (DN42 wiki, BGP communities, 2026-08): latency tier, packet loss, and what it
// takes to move from one to another. Pure; time is an argument.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace moenet::model {

// 1 (up to 2.7 ms) … 9 (over 2981 ms): the least x with rtt <= e^x ms, as the wiki's table prints it; bounds are
// inclusive.
unsigned latency_tier(double rtt_ms);
// 91 (about none) … 94 (over 5 %).
unsigned loss_class(double loss_percent);

// What one burst of echoes said of a link that answered.
struct EchoBurst {
  double rtt_ms = 0;
  double loss_percent = 0;
};

// The weight of the past: what an average holds of a value is 1/e after this. With 6 h its mean age is that of the
// average over 12 h which the wiki suggests. An echo says of loss only yes or no, so that takes more of them.
inline constexpr std::chrono::hours kRttSpan{6};
inline constexpr std::chrono::hours kLossSpan{24};
// Until then an average is the mean of all there was, and nothing is told of the RTT before the first of these numbers,
// nor of a link that has lost echoes before the second (with 4 echoes each, one lost is then 2 %).
inline constexpr std::uint32_t kBurstsForTier = 3;
inline constexpr std::uint32_t kBurstsForLoss = 12;
// Hysteresis: a tier is left when the average is beyond its bound by this factor. Tiers are a factor of 2.7 apart, and
// an average of RTTs that swing by ±50 % strays by 2 %.
inline constexpr double kRttMargin = 1.22;
// A count of lost echoes strays by the root of itself, so roots of percents are compared: class 92, up to 1 %, is left
// above 1.8 %, and 93 below 0.4 %. A steady loss at a bound then changes its class once in two months (simulated, 4
// echoes every 5 minutes; with 0.2 it is once a week).
inline constexpr double kLossMargin = 0.35;
// A change of either makes BGP tell every route of that link again.
inline constexpr std::chrono::hours kBetweenChanges{1};
// A link that does not answer for so long is not known any more.
inline constexpr std::chrono::hours kKnownFor{12};

// What the echoes of a link say in the long run. A value: it outlives restarts of the program.
struct SmoothedQuality {
  std::uint32_t bursts = 0;   // that were answered
  double rtt_ms = 0;          // a geometric mean, as tiers are
  double loss_percent = 0;    // a mean
  unsigned latency_tier = 0;  // as told: 1…9; 0: not known
  unsigned loss_class = 0;    // as told: 91…94; 0: not known
  WallTime answered{};        // the last time
  WallTime changed{};         // latency_tier or loss_class, the last time

  friend bool operator==(const SmoothedQuality&, const SmoothedQuality&) = default;
};

// `burst`: absent when nothing answered, which says nothing of the link: as told stays as it is for kKnownFor.
// Laws, tested: swings within kRttMargin around any bound never change a tier that was told; independent swings of ±50
// % do so at most once; an RTT that stays the same, at least a factor of 1.5 within its tier, has that tier after a
// day, whatever it was before (0.5 to 1500 ms).
SmoothedQuality smoothed(SmoothedQuality before, const std::optional<EchoBurst>& burst, WallTime now);

// Can smoothed() have made it? For what is read from outside.
bool is_possible(const SmoothedQuality& quality);

}  // namespace moenet::model
