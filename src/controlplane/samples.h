// Samples: what nodes measured of a session or of a link of the mesh, gathered into slots of time: fine ones of 5 min
// for a day, coarse ones of 2 h for 90 days. A reading that comes late, twice or out of order changes nothing that it
// should not: until no reading of a slot can come any more, its readings themselves are kept, by the time of the
// measurement (decisions/0012-time-series.md). Pure: times come in.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace moenet::controlplane {

using UnixSeconds = std::int64_t;

constexpr UnixSeconds kFineSeconds = 300;
constexpr UnixSeconds kCoarseSeconds = 7'200;
constexpr std::int64_t kFineSlots = 288;      // 24 h
constexpr std::int64_t kCoarseSlots = 1'080;  // 90 d
// A clock may be wrong by so much, and a reading late by so much: what differs more from its arrival is not taken.
constexpr UnixSeconds kTolerance = kFineSeconds;

constexpr std::int64_t kUnknown = -1;

// What one look at a session or link found; kUnknown = not known. No value exceeds kMostValue: who reads it from
// outside sees to that (readings.h).
struct Reading {
  UnixSeconds at = 0;
  std::int64_t up = kUnknown;  // 0 or 1
  std::int64_t rtt_us = kUnknown;
  std::int64_t loss_permille = kUnknown;
  std::int64_t rx_bytes = kUnknown;  // counters, which may start again
  std::int64_t tx_bytes = kUnknown;
  std::int64_t routes_in = kUnknown;
  std::int64_t routes_out = kUnknown;

  friend bool operator==(const Reading&, const Reading&) = default;
};
constexpr std::int64_t kMostValue = std::int64_t{1} << 61;

// The sum of the readings of a span of time.
struct Slot {
  std::int64_t looks = 0;  // that know whether it is up
  std::int64_t up = 0;
  std::int64_t rtts = 0;  // how many
  std::int64_t rtt_min_us = 0;
  std::int64_t rtt_max_us = 0;
  std::int64_t rtt_sum_us = 0;
  std::int64_t losses = 0;  // how many
  std::int64_t loss_sum_permille = 0;
  std::int64_t counted_seconds = 0;  // in which `rx_bytes` and `tx_bytes` came and went
  std::int64_t rx_bytes = 0;
  std::int64_t tx_bytes = 0;
  std::int64_t routes_in = kUnknown;  // the last that is known
  std::int64_t routes_out = kUnknown;

  // `later` is the slot after this one; the order matters for the routes only.
  void append(const Slot& later);
  friend bool operator==(const Slot&, const Slot&) = default;
};

using Slots = std::map<std::int64_t, Slot>;  // by time / length of a slot; a slot of which nothing is known is absent

// The readings of the slots that may still get more, and the last one before them, from which the counters go on.
struct OpenReadings {
  std::int64_t sealed = 0;        // fine slots below this one get nothing more
  std::vector<Reading> readings;  // by time; one each 10 s at most, the later one

  friend bool operator==(const OpenReadings&, const OpenReadings&) = default;
};

// False when nothing changed: it is there already, out of time, or not the last of its 10 s.
bool take(OpenReadings& open, const Reading& reading, UnixSeconds arrival);
// The slots that get nothing more from `arrival` on; `open` forgets them.
Slots seal(OpenReadings& open, UnixSeconds arrival);
// The slots as they are now.
Slots open_slots(const OpenReadings& open);

// Fine slots as coarse ones.
Slots coarse(const Slots& fine);

// As they are kept: letters, digits, '-' and '_' (docs/decisions/0012-time-series.md). Reading text that is no such
// thing gives what could be read before the fault.
std::string write_open(const OpenReadings& open);
OpenReadings read_open(std::string_view text);
// Slots from number `first` on. Two such texts one behind the other are the slots of both; one that is in both is the
// sum.
std::string write_slots(const Slots& slots, std::int64_t first);
Slots read_slots(std::string_view text, std::int64_t first);

}  // namespace moenet::controlplane
