#include "controlplane/samples.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace moenet::controlplane {

namespace {

// Chosen: a node reports each 60 s, and this bounds what one that floods can make us keep.
constexpr UnixSeconds kCell = 10;
static_assert(kFineSeconds % kCell == 0);
// Between two readings of a counter. Chosen: over a longer gap the mean says nothing of the slot it would be put into.
constexpr UnixSeconds kLongestGap = 2 * kFineSeconds;
// Chosen: 1 Tbit/s. A counter that leaps further is no counter, and sums must stay in range.
constexpr std::int64_t kMostBytesPerSecond = 125'000'000'000;

constexpr std::array kValues = {&Reading::up,       &Reading::rtt_us,    &Reading::loss_permille, &Reading::rx_bytes,
                                &Reading::tx_bytes, &Reading::routes_in, &Reading::routes_out};

bool has_counters(const Reading& reading) { return reading.rx_bytes != kUnknown && reading.tx_bytes != kUnknown; }

// After a restart of the counter, what it counted since.
std::int64_t counted(std::int64_t before, std::int64_t after, UnixSeconds seconds) {
  return std::min(after >= before ? after - before : after, seconds * kMostBytesPerSecond);
}

void add(Slot& slot, const Reading& reading) {
  if (reading.up != kUnknown) {
    ++slot.looks;
    slot.up += reading.up;
  }
  if (reading.rtt_us != kUnknown) {
    slot.rtt_min_us = slot.rtts == 0 ? reading.rtt_us : std::min(slot.rtt_min_us, reading.rtt_us);
    slot.rtt_max_us = std::max(slot.rtt_max_us, reading.rtt_us);
    slot.rtt_sum_us += reading.rtt_us;
    ++slot.rtts;
  }
  if (reading.loss_permille != kUnknown) {
    slot.loss_sum_permille += reading.loss_permille;
    ++slot.losses;
  }
  if (reading.routes_in != kUnknown) slot.routes_in = reading.routes_in;
  if (reading.routes_out != kUnknown) slot.routes_out = reading.routes_out;
}

void add_counted(Slot& slot, const Reading& before, const Reading& after) {
  const UnixSeconds seconds = after.at - before.at;
  if (seconds > kLongestGap) return;
  slot.counted_seconds += seconds;
  slot.rx_bytes += counted(before.rx_bytes, after.rx_bytes, seconds);
  slot.tx_bytes += counted(before.tx_bytes, after.tx_bytes, seconds);
}

// Numbers as text: base 32 in the letters of base64url (RFC 4648 section 5), lowest digit first; 32 says "goes on".
constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void put(std::string& text, std::int64_t number) {
  assert(number >= 0);
  auto rest = static_cast<std::uint64_t>(number);
  for (; rest >= 32; rest >>= 5) text += kDigits[32 + (rest & 31)];
  text += kDigits[rest];
}

class NumberReader {
 public:
  explicit NumberReader(std::string_view text) : text_(text) {}

  // 0 from the first fault on, and a number above `most` is one.
  std::int64_t next(std::int64_t most = kMostValue + 1) {
    std::uint64_t number = 0;
    for (unsigned shift = 0; shift < 65; shift += 5) {
      const std::size_t digit = at_ < text_.size() ? kDigits.find(text_[at_++]) : std::string_view::npos;
      if (digit == std::string_view::npos) break;
      number |= static_cast<std::uint64_t>(digit & 31) << shift;
      if (digit < 32 && number <= static_cast<std::uint64_t>(most)) return static_cast<std::int64_t>(number);
      if (digit < 32) break;
    }
    is_good_ = false;
    at_ = text_.size();
    return 0;
  }
  bool has_more() const { return at_ < text_.size(); }
  bool is_good() const { return is_good_; }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  bool is_good_ = true;
};

// Counts are alike mostly, so all but the first are told by how they differ from it; means are shorter than sums, and
// what is lost of them, less than 1 us or 1 byte/s, nobody is shown.
void put_difference(std::string& text, std::int64_t value, std::int64_t from) {
  put(text, value >= from ? 2 * (value - from) : 2 * (from - value) - 1);
}

void put(std::string& text, const Slot& slot) {
  put(text, slot.looks);
  if (slot.looks > 0) put(text, slot.looks - slot.up);
  put_difference(text, slot.rtts, slot.looks);
  if (slot.rtts > 0) {
    put(text, slot.rtt_min_us);
    put(text, slot.rtt_max_us - slot.rtt_min_us);
    put(text, slot.rtt_sum_us / slot.rtts - slot.rtt_min_us);
  }
  put_difference(text, slot.losses, slot.looks);
  if (slot.losses > 0) put(text, slot.loss_sum_permille / slot.losses);
  put(text, slot.counted_seconds);
  if (slot.counted_seconds > 0) {
    put(text, slot.rx_bytes / slot.counted_seconds);
    put(text, slot.tx_bytes / slot.counted_seconds);
  }
  put(text, slot.routes_in + 1);
  put(text, slot.routes_out + 1);
}

// The bounds keep what another writer of the database made up from overflowing.
constexpr std::int64_t kMostCount = std::int64_t{1} << 24;
constexpr std::int64_t kMostMean = std::int64_t{1} << 38;

std::int64_t next_difference(NumberReader& numbers, std::int64_t from) {
  const std::int64_t number = numbers.next(2 * kMostCount);
  return std::max(std::int64_t{0}, number % 2 == 0 ? from + number / 2 : from - (number + 1) / 2);
}

Slot next_slot(NumberReader& numbers) {
  Slot slot;
  slot.looks = numbers.next(kMostCount);
  if (slot.looks > 0) slot.up = std::max(std::int64_t{0}, slot.looks - numbers.next(kMostCount));
  slot.rtts = next_difference(numbers, slot.looks);
  if (slot.rtts > 0) {
    slot.rtt_min_us = numbers.next(kMostMean);
    slot.rtt_max_us = slot.rtt_min_us + numbers.next(kMostMean);
    slot.rtt_sum_us = slot.rtts * (slot.rtt_min_us + numbers.next(kMostMean));
  }
  slot.losses = next_difference(numbers, slot.looks);
  if (slot.losses > 0) slot.loss_sum_permille = slot.losses * numbers.next(kMostMean);
  slot.counted_seconds = numbers.next(kMostCount);
  if (slot.counted_seconds > 0) {
    slot.rx_bytes = slot.counted_seconds * numbers.next(kMostMean);
    slot.tx_bytes = slot.counted_seconds * numbers.next(kMostMean);
  }
  slot.routes_in = numbers.next() - 1;
  slot.routes_out = numbers.next() - 1;
  return slot;
}

}  // namespace

void Slot::append(const Slot& later) {
  looks += later.looks;
  up += later.up;
  if (later.rtts > 0) {
    rtt_min_us = rtts == 0 ? later.rtt_min_us : std::min(rtt_min_us, later.rtt_min_us);
    rtt_max_us = std::max(rtt_max_us, later.rtt_max_us);
    rtt_sum_us += later.rtt_sum_us;
    rtts += later.rtts;
  }
  losses += later.losses;
  loss_sum_permille += later.loss_sum_permille;
  counted_seconds += later.counted_seconds;
  rx_bytes += later.rx_bytes;
  tx_bytes += later.tx_bytes;
  if (later.routes_in != kUnknown) routes_in = later.routes_in;
  if (later.routes_out != kUnknown) routes_out = later.routes_out;
}

bool take(OpenReadings& open, const Reading& reading, UnixSeconds arrival) {
  if (reading.at < arrival - kTolerance || reading.at > arrival + kTolerance) return false;
  // Our own clock was ahead when these came: it must not hold up all that comes until then.
  if (open.sealed * kFineSeconds > arrival) open = {};
  if (reading.at / kFineSeconds < open.sealed) return false;
  const auto cell_of = [](const Reading& one) { return one.at / kCell; };
  const auto at = std::ranges::lower_bound(open.readings, cell_of(reading), {}, cell_of);
  if (at == open.readings.end() || cell_of(*at) != cell_of(reading)) {
    open.readings.insert(at, reading);
    return true;
  }
  const Reading before = *at;
  if (reading.at > at->at) *at = reading;
  if (reading.at == before.at) {
    // Two that claim the same moment: the larger values, so that it does not matter which came first.
    for (const auto value : kValues) (*at).*value = std::max(before.*value, reading.*value);
  }
  return *at != before;
}

Slots open_slots(const OpenReadings& open) {
  Slots slots;
  const Reading* before = nullptr;
  for (const Reading& reading : open.readings) {
    const std::int64_t number = reading.at / kFineSeconds;
    if (number >= open.sealed) {
      Slot& slot = slots[number];
      add(slot, reading);
      if (before != nullptr && has_counters(reading)) add_counted(slot, *before, reading);
    }
    if (has_counters(reading)) before = &reading;
  }
  std::erase_if(slots, [](const auto& entry) { return entry.second == Slot{}; });
  return slots;
}

Slots seal(OpenReadings& open, UnixSeconds arrival) {
  const std::int64_t sealed = (arrival - kTolerance) / kFineSeconds;
  if (sealed <= open.sealed) return {};
  Slots done = open_slots(open);
  done.erase(done.lower_bound(sealed), done.end());
  open.sealed = sealed;
  const auto first_open = std::ranges::lower_bound(open.readings, sealed * kFineSeconds, {}, &Reading::at);
  const auto is_last_counter = std::find_if(std::make_reverse_iterator(first_open), open.readings.rend(), has_counters);
  const bool has_last = is_last_counter != open.readings.rend();
  const Reading last = has_last ? *is_last_counter : Reading{};
  open.readings.erase(open.readings.begin(), first_open);
  if (has_last) open.readings.insert(open.readings.begin(), last);
  return done;
}

Slots coarse(const Slots& fine) {
  Slots slots;
  for (const auto& [number, slot] : fine) slots[number / (kCoarseSeconds / kFineSeconds)].append(slot);
  return slots;
}

std::string write_open(const OpenReadings& open) {
  std::string text;
  put(text, open.sealed);
  UnixSeconds before = 0;
  for (const Reading& reading : open.readings) {
    put(text, reading.at - before);
    before = reading.at;
    for (const auto value : kValues) put(text, reading.*value + 1);
  }
  return text;
}

OpenReadings read_open(std::string_view text) {
  OpenReadings open;
  if (text.empty()) return open;
  NumberReader numbers(text);
  open.sealed = numbers.next();
  UnixSeconds before = 0;
  while (numbers.has_more() && before < kMostValue) {
    Reading reading;
    reading.at = before + numbers.next();
    before = reading.at;
    for (const auto value : kValues) reading.*value = numbers.next() - 1;
    if (numbers.is_good()) open.readings.push_back(reading);
  }
  return open;
}

std::string write_slots(const Slots& slots, std::int64_t first) {
  std::string text;
  for (const auto& [number, slot] : slots) {
    put(text, number - first);
    put(text, slot);
  }
  return text;
}

Slots read_slots(std::string_view text, std::int64_t first) {
  Slots slots;
  NumberReader numbers(text);
  while (numbers.has_more()) {
    const std::int64_t number = first + numbers.next();
    const Slot slot = next_slot(numbers);
    if (numbers.is_good()) slots[number].append(slot);
  }
  return slots;
}

}  // namespace moenet::controlplane
