#include "controlplane/series_view.h"

#include <boost/json.hpp>

namespace moenet::controlplane {

namespace {

namespace json = boost::json;

// `value` of each slot that is there; null of the others.
json::array column(const Slots& slots, const Window& window, auto value) {
  json::array values;
  values.reserve(static_cast<std::size_t>(window.count));
  for (std::int64_t number = window.first; number < window.first + window.count; ++number) {
    const auto slot = slots.find(number);
    values.push_back(slot == slots.end() ? json::value(nullptr) : json::value(value(slot->second)));
  }
  return values;
}

json::value mean(std::int64_t sum, std::int64_t count, double unit = 1) {
  return count == 0 ? json::value(nullptr) : json::value(static_cast<double>(sum) / static_cast<double>(count) / unit);
}

json::value milliseconds(std::int64_t us, std::int64_t count) {
  return mean(count == 0 ? 0 : us, count == 0 ? 0 : 1, 1'000);
}

json::value whole(std::int64_t value) { return value == kUnknown ? json::value(nullptr) : json::value(value); }

json::value rate(std::int64_t bytes, std::int64_t seconds) {
  return seconds == 0 ? json::value(nullptr) : json::value(bytes / seconds);
}

}  // namespace

Window window_of(Span span, UnixSeconds now) {
  const UnixSeconds seconds = span == Span::day ? kFineSeconds : kCoarseSeconds;
  const std::int64_t count = span == Span::day ? kFineSlots : kCoarseSlots;
  return {now / seconds - count + 1, count, seconds};
}

json::object view_window(const Window& window) {
  json::array times;
  for (std::int64_t i = 0; i < window.count; ++i) times.push_back((window.first + i) * window.seconds);
  return {{"slotSeconds", window.seconds}, {"times", std::move(times)}};
}

json::object view_link(const Slots& slots, const Window& window) {
  return {{"up", column(slots, window, [](const Slot& slot) { return mean(slot.up, slot.looks); })},
          {"rttMs",
           {{"min", column(slots, window, [](const Slot& slot) { return milliseconds(slot.rtt_min_us, slot.rtts); })},
            {"avg", column(slots, window, [](const Slot& slot) { return mean(slot.rtt_sum_us, slot.rtts, 1'000); })},
            {"max", column(slots, window, [](const Slot& slot) { return milliseconds(slot.rtt_max_us, slot.rtts); })}}},
          {"lossPercent",
           column(slots, window, [](const Slot& slot) { return mean(slot.loss_sum_permille, slot.losses, 10); })}};
}

json::object view_session(const Slots& slots, const Window& window) {
  json::object view = view_link(slots, window);
  view["rxBytesPerSecond"] =
      column(slots, window, [](const Slot& slot) { return rate(slot.rx_bytes, slot.counted_seconds); });
  view["txBytesPerSecond"] =
      column(slots, window, [](const Slot& slot) { return rate(slot.tx_bytes, slot.counted_seconds); });
  view["routesIn"] = column(slots, window, [](const Slot& slot) { return whole(slot.routes_in); });
  view["routesOut"] = column(slots, window, [](const Slot& slot) { return whole(slot.routes_out); });
  return view;
}

}  // namespace moenet::controlplane
