#include "model/link_quality.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace moenet::model {
namespace {

constexpr double kTierBoundsMs[] = {2.7, 7.3, 20, 55, 148, 403, 1097, 2981};
// The wiki's "about none" is what rounds to 0 %; less than that the echoes of some hours cannot tell from none.
constexpr double kLossBoundsPercent[] = {0.5, 1, 5};
constexpr unsigned kFirstTier = 1, kFirstLossClass = 91;

// An RTT of 0 has no logarithm, and no clock of ours tells less.
constexpr double kLeastRttMs = 0.001;
constexpr double kMostRttMs = 1e6;

// After a pause the next burst counts as after this: one burst alone must not stand for hours.
constexpr std::chrono::hours kLongestPause{1};
constexpr std::uint32_t kMostBursts = 1'000'000;  // where the count stops; the mean of all ends long before

template <std::size_t N>
unsigned bounds_below(const double (&bounds)[N], double value) {
  return static_cast<unsigned>(std::lower_bound(std::begin(bounds), std::end(bounds), value) - std::begin(bounds));
}

double weight(const SmoothedQuality& quality, std::chrono::duration<double> pause, std::chrono::hours span) {
  return std::max(1.0 / quality.bursts, 1 - std::exp(-pause / std::chrono::duration<double>(span)));
}

unsigned settled_tier(const SmoothedQuality& quality) {
  const unsigned told = quality.latency_tier;
  const bool stays = told != 0 && latency_tier(quality.rtt_ms / kRttMargin) <= told &&
                     latency_tier(quality.rtt_ms * kRttMargin) >= told;
  return stays ? told : latency_tier(quality.rtt_ms);
}

unsigned settled_loss(const SmoothedQuality& quality) {
  const unsigned told = quality.loss_class;
  const double root = std::sqrt(quality.loss_percent);
  const bool stays = told != 0 && loss_class(std::pow(std::max(0.0, root - kLossMargin), 2)) <= told &&
                     loss_class(std::pow(root + kLossMargin, 2)) >= told;
  return stays ? told : loss_class(quality.loss_percent);
}

void tell(SmoothedQuality& quality, WallTime now) {
  SmoothedQuality next = quality;
  if (quality.bursts >= kBurstsForTier) {
    next.latency_tier = settled_tier(quality);
    const bool is_known = quality.loss_class != 0 || quality.loss_percent <= 0 || quality.bursts >= kBurstsForLoss;
    if (is_known) next.loss_class = settled_loss(quality);
  }
  if (next == quality || now - quality.changed < kBetweenChanges) return;
  next.changed = now;
  quality = next;
}

}  // namespace

unsigned latency_tier(double rtt_ms) { return kFirstTier + bounds_below(kTierBoundsMs, rtt_ms); }

unsigned loss_class(double loss_percent) { return kFirstLossClass + bounds_below(kLossBoundsPercent, loss_percent); }

SmoothedQuality smoothed(SmoothedQuality quality, const std::optional<EchoBurst>& burst, WallTime now) {
  // A wall clock may be set back; nothing was in the future.
  quality.answered = std::min(quality.answered, now);
  quality.changed = std::min(quality.changed, now);
  if (now - quality.answered >= kKnownFor) quality = {};
  if (!burst) return quality;
  const double rtt_ms = std::clamp(burst->rtt_ms, kLeastRttMs, kMostRttMs);
  const double loss_percent = std::clamp(burst->loss_percent, 0.0, 100.0);
  const std::chrono::duration<double> pause = std::min<WallTime::duration>(now - quality.answered, kLongestPause);
  if (quality.bursts == 0) quality.rtt_ms = rtt_ms;
  quality.bursts = std::min(quality.bursts + 1, kMostBursts);
  quality.rtt_ms *= std::pow(rtt_ms / quality.rtt_ms, weight(quality, pause, kRttSpan));
  quality.loss_percent += (loss_percent - quality.loss_percent) * weight(quality, pause, kLossSpan);
  quality.answered = now;
  tell(quality, now);
  return quality;
}

bool is_possible(const SmoothedQuality& quality) {
  const bool has_tier = quality.latency_tier != 0;
  return quality.bursts >= 1 && quality.bursts <= kMostBursts && quality.rtt_ms >= kLeastRttMs &&
         quality.rtt_ms <= kMostRttMs && quality.loss_percent >= 0 && quality.loss_percent <= 100 &&
         quality.latency_tier <= kFirstTier + std::size(kTierBoundsMs) && (has_tier || quality.loss_class == 0) &&
         (quality.loss_class == 0 || (quality.loss_class >= kFirstLossClass &&
                                      quality.loss_class <= kFirstLossClass + std::size(kLossBoundsPercent)));
}

}  // namespace moenet::model
