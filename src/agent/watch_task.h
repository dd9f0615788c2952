// watchTask: wakes the reconciler when a link or an address on this node changes, so that drift is repaired at once.
#pragma once

#include <stop_token>
#include <string_view>

#include "agent/ledger.h"
#include "base/latest.h"

namespace moenet::agent {

inline constexpr std::string_view kWatchTask = "watchTask";

void run_watch(TaskLedger& ledger, Wakeup& reconcile, const std::stop_token& stop);

}  // namespace moenet::agent
