#include "controlplane/tidying.h"

#include "base/log.h"

namespace moenet::controlplane {

// Chosen: so few that the lock is held for no longer than a report holds it.
constexpr std::size_t kMostRows = 100;

Tidying::Tidying(Store& store, std::function<WallTime()> now, std::chrono::milliseconds interval)
    : store_(store),
      now_(std::move(now)),
      thread_([this, interval](const std::stop_token& stop) { run(stop, interval); }) {}

void Tidying::run(const std::stop_token& stop, std::chrono::milliseconds interval) {
  using std::chrono::milliseconds;
  bool is_well = true;
  while (!stop.stop_requested()) {
    const SteadyTime began = steady_now();
    const auto count =
        store_.tidy_samples(std::chrono::duration_cast<milliseconds>(now_().time_since_epoch()).count(), kMostRows);
    if (!count && is_well) log::error("old samples stay", {{"error", count.error().what}});
    is_well = count.has_value();
    const auto took = std::chrono::ceil<milliseconds>(steady_now() - began);
    never_.wait(Deadline::after(count && *count > 0 ? took : interval), stop);
  }
}

}  // namespace moenet::controlplane
