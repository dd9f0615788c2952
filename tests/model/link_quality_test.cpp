#include "model/link_quality.h"

#include <array>
#include <cmath>
#include <random>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace moenet::model {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr double kBoundsMs[] = {2.7, 7.3, 20, 55, 148, 403, 1097, 2981};
constexpr minutes kPause{5};
const WallTime kStart = WallTime{} + hours(24) * 365 * 56;

// A link that is measured every five minutes, and how often what is told of it changed after the first time.
class Link {
 public:
  void answer(double rtt_ms, double loss_percent = 0) { take(EchoBurst{rtt_ms, loss_percent}); }
  void stay_silent() { take(std::nullopt); }
  void take(const std::optional<EchoBurst>& burst) {
    now += kPause;
    const SmoothedQuality before = quality;
    quality = smoothed(before, burst, now);
    if (before.latency_tier != 0 && quality.latency_tier != before.latency_tier) ++tier_changes;
    if (before.loss_class != 0 && quality.loss_class != before.loss_class) ++loss_changes;
    const bool is_change = quality.latency_tier != before.latency_tier || quality.loss_class != before.loss_class;
    if (!is_change) return;
    if (changed) least_between = std::min(least_between, now - *changed);
    changed = now;
  }

  SmoothedQuality quality;
  WallTime now = kStart;
  int tier_changes = 0, loss_changes = 0;
  std::optional<WallTime> changed;
  WallTime::duration least_between = hours(1000);
};

constexpr int kDay = 24 * 60 / 5;  // bursts

double drawn(double low, double high, std::mt19937& random) {
  return std::uniform_real_distribution<double>(low, high)(random);
}

TEST(LinkQuality, TiersAreTheWikisWithInclusiveBounds) {
  unsigned tier = 1;
  for (const double bound : kBoundsMs) {
    EXPECT_EQ(latency_tier(bound), tier) << bound;
    EXPECT_EQ(latency_tier(std::nextafter(bound, 1e9)), ++tier) << bound;
  }
  EXPECT_EQ(latency_tier(0), 1u);
  EXPECT_EQ(latency_tier(1e9), 9u);
}

TEST(LinkQuality, LossClassesAreTheWikisWithInclusiveBounds) {
  for (const auto& [percent, expected] :
       {std::pair{0.0, 91u}, {0.5, 91u}, {0.51, 92u}, {1.0, 92u}, {1.01, 93u}, {5.0, 93u}, {5.01, 94u}, {100.0, 94u}}) {
    EXPECT_EQ(loss_class(percent), expected) << percent;
  }
}

TEST(LinkQuality, AFreshLinkIsKnownAfterThreeBursts) {
  Link link;
  link.answer(30);
  link.answer(31);
  EXPECT_EQ(link.quality.latency_tier, 0u);
  link.answer(29);
  EXPECT_EQ(link.quality.latency_tier, 4u);
  EXPECT_EQ(link.quality.loss_class, 91u);
  EXPECT_NEAR(link.quality.rtt_ms, 30, 0.1);
}

TEST(LinkQuality, LossOfAFreshLinkIsToldWhenThereIsEnoughOfIt) {
  Link link;
  link.answer(30, 25);
  for (int i = 0; i < 10; ++i) link.answer(30);
  EXPECT_EQ(link.quality.latency_tier, 4u);
  EXPECT_EQ(link.quality.loss_class, 0u) << "one of 44 echoes says little";
  for (int i = 0; i < 12; ++i) link.answer(30);
  EXPECT_EQ(link.quality.loss_class, 93u);
}

TEST(LinkQuality, OneEchoLostOnceIsNoLoss) {
  Link link;
  for (int i = 0; i < kDay; ++i) link.answer(30);
  link.answer(30, 25);
  for (int i = 0; i < kDay; ++i) link.answer(30);
  EXPECT_EQ(link.quality.loss_class, 91u);
  EXPECT_EQ(link.loss_changes, 0);
}

TEST(LinkQuality, LastingLossIsToldWithinADay) {
  Link link;
  for (int i = 0; i < 7 * kDay; ++i) link.answer(30);
  for (int i = 0; i < kDay; ++i) link.answer(30, i % 2 == 0 ? 25 : 0);
  EXPECT_EQ(link.quality.loss_class, 94u);
  for (int i = 0; i < 3 * kDay; ++i) link.answer(30);
  EXPECT_EQ(link.quality.loss_class, 91u);
}

TEST(LinkQuality, SilenceChangesNothingForHalfADayAndThenNothingIsKnown) {
  Link link;
  for (int i = 0; i < kDay; ++i) link.answer(30);
  const SmoothedQuality before = link.quality;
  for (int i = 0; i < kDay / 2 - 1; ++i) link.stay_silent();
  EXPECT_EQ(link.quality, before);
  link.stay_silent();
  EXPECT_EQ(link.quality, SmoothedQuality{});
}

TEST(LinkQuality, APauseDoesNotMakeOneBurstCountForHours) {
  Link link;
  for (int i = 0; i < kDay; ++i) link.answer(30);
  link.now += hours(11);
  link.answer(300);
  EXPECT_EQ(link.quality.latency_tier, 4u);
  EXPECT_LT(link.quality.rtt_ms, 45);
}

TEST(LinkQuality, AClockThatIsSetBackStopsNothing) {
  Link link;
  for (int i = 0; i < kDay; ++i) link.answer(30);
  link.now -= hours(24) * 365 * 20;
  for (int i = 0; i < kDay; ++i) link.answer(300);
  EXPECT_EQ(link.quality.latency_tier, 6u);
}

// Whatever comes: no two changes within the hour, and what comes out may be read again.
RC_GTEST_PROP(LinkQuality, ChangesAtMostOnceAnHour, (unsigned seed)) {
  std::mt19937 random(seed);
  Link link;
  for (int i = 0; i < 3 * kDay; ++i) {
    if (random() % 10 == 0) {
      link.stay_silent();
    } else {
      link.answer(std::exp(drawn(-8, 9, random)), random() % 2 == 0 ? 0 : drawn(0, 100, random));
    }
    RC_ASSERT(link.quality.bursts == 0 || is_possible(link.quality));
  }
  RC_ASSERT(link.least_between >= kBetweenChanges);
}

// In whatever order they come: an enemy's as well.
RC_GTEST_PROP(LinkQuality, SwingsWithinTheMarginNeverChangeATier, (unsigned seed)) {
  std::mt19937 random(seed);
  const double bound = kBoundsMs[random() % std::size(kBoundsMs)];
  const double margin = std::log(kRttMargin) * 0.999;
  Link link;
  double swing = 0;
  for (int i = 0; i < 10 * kDay; ++i) {
    if (random() % 100 == 0) swing = drawn(-margin, margin, random);  // for hours on one side
    link.answer(bound * std::exp(swing));
  }
  RC_ASSERT(link.tier_changes == 0);
}

RC_GTEST_PROP(LinkQuality, NoiseAroundABoundChangesATierAtMostOnce, (unsigned seed)) {
  std::mt19937 random(seed);
  const double bound = kBoundsMs[random() % std::size(kBoundsMs)];
  Link link;
  for (int i = 0; i < 30 * kDay; ++i) link.answer(bound * drawn(0.5, 1.5, random));
  RC_ASSERT(link.tier_changes <= 1);
}

RC_GTEST_PROP(LinkQuality, ALastingChangeIsToldWithinADay, (unsigned seed)) {
  std::mt19937 random(seed);
  Link link;
  for (int i = 0; i < 2 * kDay; ++i) link.answer(std::exp(drawn(std::log(0.5), std::log(1500), random)));
  const double before = std::exp(drawn(std::log(0.5), std::log(1500), random));
  for (int i = static_cast<int>(random() % (3 * kDay)); i > 0; --i) link.answer(before);
  double rtt = 0;
  do {
    rtt = std::exp(drawn(std::log(0.5), std::log(1500), random));
  } while (latency_tier(rtt / 1.5) != latency_tier(rtt) || latency_tier(rtt * 1.5) != latency_tier(rtt));
  for (int i = 0; i < kDay; ++i) link.answer(rtt);
  RC_ASSERT(link.quality.latency_tier == latency_tier(rtt));
}

// Each echo is lost for itself, at a rate that is a bound.
RC_GTEST_PROP(LinkQuality, SteadyLossAtABoundHardlyChangesItsClass, (unsigned seed)) {
  std::mt19937 random(seed);
  const double rate = std::array{0.005, 0.01, 0.05}[random() % 3];
  Link link;
  for (int i = 0; i < 30 * kDay; ++i) {
    link.answer(30, 25.0 * std::binomial_distribution<int>(4, rate)(random));
  }
  RC_ASSERT(link.loss_changes <= 6);
}

TEST(LinkQuality, WhatCannotBeIsKnown) {
  const SmoothedQuality good{5, 30, 0, 4, 91, kStart, kStart};
  EXPECT_TRUE(is_possible(good));
  const auto with = [&](auto change) {
    SmoothedQuality bad = good;
    change(bad);
    return is_possible(bad);
  };
  EXPECT_FALSE(with([](auto& q) { q.bursts = 0; }));
  EXPECT_FALSE(with([](auto& q) { q.bursts = UINT32_MAX; }));
  EXPECT_FALSE(with([](auto& q) { q.rtt_ms = 0; }));
  EXPECT_FALSE(with([](auto& q) { q.rtt_ms = NAN; }));
  EXPECT_FALSE(with([](auto& q) { q.rtt_ms = INFINITY; }));
  EXPECT_FALSE(with([](auto& q) { q.loss_percent = -1; }));
  EXPECT_FALSE(with([](auto& q) { q.loss_percent = NAN; }));
  EXPECT_FALSE(with([](auto& q) { q.latency_tier = 10; }));
  EXPECT_FALSE(with([](auto& q) { q.latency_tier = 0; }));
  EXPECT_FALSE(with([](auto& q) { q.loss_class = 90; }));
  EXPECT_FALSE(with([](auto& q) { q.loss_class = 95; }));
}

}  // namespace
}  // namespace moenet::model
