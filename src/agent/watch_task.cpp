#include "agent/watch_task.h"

#include "base/log.h"
#include "net/netlink.h"

namespace moenet::agent {
namespace {

constexpr std::chrono::hours kNothingHappens{1};
constexpr std::chrono::seconds kReopen{5};

}  // namespace

void run_watch(TaskLedger& ledger, Wakeup& reconcile, const std::stop_token& stop) {
  Wakeup never;
  while (!stop.stop_requested()) {
    auto watch = net::LinkWatch::open();
    Result<void> outcome = watch ? Result<void>{} : std::unexpected(watch.error());
    while (watch && outcome) {
      auto changed = watch->wait(Deadline::after(kNothingHappens), stop);
      if (!changed && changed.error().code == Errc::cancelled) return;
      if (!changed) outcome = std::unexpected(changed.error());
      if (changed && *changed) reconcile.notify();
      ledger.record(kWatchTask, outcome);
    }
    ledger.record(kWatchTask, outcome);
    log::warning("link events are lost until the watch is open again", {{"error", outcome.error().what}});
    never.wait(Deadline::after(kReopen), stop);
    reconcile.notify();
  }
}

}  // namespace moenet::agent
