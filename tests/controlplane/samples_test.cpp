// Slots: by tables and by properties. What a series is must not depend on when and how often its readings came.
#include "controlplane/samples.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace moenet::controlplane {
namespace {

constexpr UnixSeconds kStart = 1'700'000'100;  // a slot begins
static_assert(kStart % kFineSeconds == 0);
constexpr std::int64_t kFirst = kStart / kFineSeconds;

Reading reading(UnixSeconds at, std::int64_t rx = kUnknown, std::int64_t tx = kUnknown) {
  Reading made;
  made.at = at;
  made.rx_bytes = rx;
  made.tx_bytes = tx;
  return made;
}

// All that comes of readings that arrive in this order.
struct Arrival {
  Reading reading;
  UnixSeconds at = 0;
};
Slots slots_of(const std::vector<Arrival>& arrivals) {
  OpenReadings open;
  Slots slots;
  for (const Arrival& one : arrivals) {
    slots.merge(seal(open, one.at));
    take(open, one.reading, one.at);
    open = read_open(write_open(open));  // as between two reports
  }
  slots.merge(open_slots(open));
  return read_slots(write_slots(slots, kFirst), kFirst);
}

Slot only_slot(const std::vector<Reading>& readings) {
  std::vector<Arrival> arrivals;
  for (const Reading& one : readings) arrivals.push_back({one, one.at});
  const Slots slots = slots_of(arrivals);
  EXPECT_EQ(slots.size(), 1u);
  return slots.empty() ? Slot{} : slots.begin()->second;
}

TEST(Samples, SumWhatASlotsReadingsFound) {
  Reading one = reading(kStart);
  one.up = 1;
  one.rtt_us = 12'000;
  one.loss_permille = 0;
  one.routes_in = 300;
  one.routes_out = 12;
  Reading two = one;
  two.at += 60;
  two.up = 0;
  two.rtt_us = 8'000;
  two.loss_permille = 50;
  two.routes_in = 0;
  two.routes_out = kUnknown;
  EXPECT_EQ(only_slot({one, two}), (Slot{.looks = 2,
                                         .up = 1,
                                         .rtts = 2,
                                         .rtt_min_us = 8'000,
                                         .rtt_max_us = 12'000,
                                         .rtt_sum_us = 20'000,
                                         .losses = 2,
                                         .loss_sum_permille = 50,
                                         .routes_in = 0,
                                         .routes_out = 12}));
}

TEST(Samples, CountTrafficBetweenTwoReadings) {
  const Slot slot = only_slot({reading(kStart, 1'000, 10), reading(kStart + 60, 4'000, 10)});
  EXPECT_EQ(slot.counted_seconds, 60);
  EXPECT_EQ(slot.rx_bytes, 3'000);
  EXPECT_EQ(slot.tx_bytes, 0);
}

TEST(Samples, GoOnFromACounterThatStartsAgain) {
  const Slot slot = only_slot({reading(kStart, 9'000'000, 9'000'000), reading(kStart + 60, 720, 9'000'060)});
  EXPECT_EQ(slot.rx_bytes, 720);
  EXPECT_EQ(slot.tx_bytes, 60);
}

TEST(Samples, CountTrafficOverTheEndOfASlotAndItsSeal) {
  const Slots slots = slots_of({{reading(kStart + 290, 1'000, 0), kStart + 290},
                                {reading(kStart + 350, 7'000, 0), kStart + 350},
                                {reading(kStart + 1'300, 8'000, 0), kStart + 1'300}});
  ASSERT_TRUE(slots.contains(kFirst + 1));
  EXPECT_EQ(slots.at(kFirst + 1).rx_bytes, 6'000);
  EXPECT_FALSE(slots.contains(kFirst)) << "nothing is known of it but a counter";
  EXPECT_FALSE(slots.contains(kFirst + 4)) << "the gap is too long to know a rate";
}

TEST(Samples, TakeNoLeapThatIsNoTraffic) {
  const Slot slot = only_slot({reading(kStart, 0, 0), reading(kStart + 60, kMostValue, 0)});
  EXPECT_EQ(slot.rx_bytes, 60 * 125'000'000'000);
}

TEST(Samples, TakeNoReadingFarFromItsArrival) {
  OpenReadings open;
  for (const UnixSeconds wrong : {-kTolerance - 1, kTolerance + 1, UnixSeconds{31'536'000}, -kStart}) {
    EXPECT_FALSE(take(open, reading(kStart + wrong, 1, 1), kStart)) << wrong;
  }
  EXPECT_EQ(open, OpenReadings{});
  EXPECT_TRUE(take(open, reading(kStart - kTolerance, 1, 1), kStart));
  EXPECT_TRUE(take(open, reading(kStart + kTolerance, 1, 1), kStart));
}

TEST(Samples, TakeNothingForASealedSlot) {
  OpenReadings open;
  EXPECT_TRUE(take(open, reading(kStart, 1, 1), kStart));
  seal(open, kStart + 600);
  const OpenReadings before = open;
  EXPECT_FALSE(take(open, reading(kStart + 299, 5, 5), kStart + 599));
  EXPECT_EQ(open, before);
}

TEST(Samples, GoOnAfterOurOwnClockWasAhead) {
  OpenReadings open;
  seal(open, kStart + 86'400);
  EXPECT_TRUE(take(open, reading(kStart, 1, 1), kStart));
}

TEST(Samples, BoundWhatAFloodLeaves) {
  OpenReadings open;
  for (UnixSeconds at = kStart; at < kStart + 3'600; ++at) {
    seal(open, at);
    Reading loud = reading(at, kMostValue, kMostValue);
    loud.rtt_us = 60'000'000;
    loud.routes_in = loud.routes_out = kMostValue;
    take(open, loud, at);
  }
  EXPECT_LE(open.readings.size(), 100u);
  EXPECT_LT(write_open(open).size(), 10'000u);
}

TEST(Samples, MakeCoarseSlotsOfFineOnes) {
  constexpr std::int64_t kPer = kCoarseSeconds / kFineSeconds;
  Slots fine;
  fine[kPer * 7] = {.looks = 5, .up = 5, .rtts = 1, .rtt_min_us = 4, .rtt_max_us = 9, .rtt_sum_us = 13, .routes_in = 3};
  fine[kPer * 7 + 23] = {
      .looks = 5, .up = 1, .rtts = 1, .rtt_min_us = 2, .rtt_max_us = 3, .rtt_sum_us = 5, .routes_in = 8};
  fine[kPer * 8] = {.looks = 1};
  const Slots made = coarse(fine);
  EXPECT_EQ(
      made,
      (Slots{{7, {.looks = 10, .up = 6, .rtts = 2, .rtt_min_us = 2, .rtt_max_us = 9, .rtt_sum_us = 18, .routes_in = 8}},
             {8, {.looks = 1}}}));
}

TEST(Samples, ReadWhatIsNoSuchText) {
  EXPECT_EQ(read_open(""), OpenReadings{});
  for (const std::string_view text : {"?", "zzzzzzzzzzzzzzzzzzzzzz", "A\x80", "gg", "-_-_-_-_-_-_-_-_-_-_-_A"}) {
    read_open(text);
    EXPECT_TRUE(read_slots(text, 0).empty()) << text;
  }
}

std::int64_t maybe(std::int64_t below) {
  return *rc::gen::weightedOneOf<std::int64_t>(
      {{1, rc::gen::just(kUnknown)}, {4, rc::gen::inRange<std::int64_t>(0, below)}});
}

std::vector<Arrival> any_arrivals() {
  const auto seconds = *rc::gen::container<std::vector<UnixSeconds>>(rc::gen::inRange<UnixSeconds>(0, 2'400));
  std::vector<Arrival> arrivals;
  for (const UnixSeconds second : seconds) {
    Reading one = reading(kStart + second, maybe(1'000'000), maybe(1'000'000));
    one.up = maybe(2);
    one.rtt_us = maybe(400'000);
    one.loss_permille = maybe(1'001);
    one.routes_in = maybe(2'000);
    one.routes_out = maybe(2'000);
    arrivals.push_back({one, one.at});
  }
  std::ranges::stable_sort(arrivals, {}, &Arrival::at);
  return arrivals;
}

RC_GTEST_PROP(SamplesProperty, DoNotDependOnTheOrderOfArrival, ()) {
  std::vector<Arrival> arrivals = any_arrivals();
  const Slots in_order = slots_of(arrivals);
  for (Arrival& one : arrivals) one.at += *rc::gen::inRange<UnixSeconds>(0, kTolerance + 1);
  std::ranges::stable_sort(arrivals, {}, &Arrival::at);
  RC_ASSERT(slots_of(arrivals) == in_order);
}

RC_GTEST_PROP(SamplesProperty, CountARepeatedReadingOnce, ()) {
  std::vector<Arrival> arrivals = any_arrivals();
  const Slots once = slots_of(arrivals);
  const std::size_t count = arrivals.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (*rc::gen::arbitrary<bool>()) {
      arrivals.push_back({arrivals[i].reading, arrivals[i].at + *rc::gen::inRange<UnixSeconds>(0, 4'000)});
    }
  }
  std::ranges::stable_sort(arrivals, {}, &Arrival::at);
  RC_ASSERT(slots_of(arrivals) == once);
}

RC_GTEST_PROP(SamplesProperty, AreTheSameInOnePieceAndInTwo, ()) {
  const Slots fine = slots_of(any_arrivals());
  Slots first;
  Slots second;
  const std::int64_t cut = kFirst + *rc::gen::inRange(0, 9);
  for (const auto& [number, slot] : fine) (number < cut ? first : second)[number] = slot;
  Slots parts = coarse(first);
  for (const auto& [number, slot] : coarse(second)) parts[number].append(slot);
  RC_ASSERT(parts == coarse(fine));
}

}  // namespace
}  // namespace moenet::controlplane
