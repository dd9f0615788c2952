// Tidying: a thread that lets old samples become coarse and end, in small steps with rests between them, so that nobody
// who writes waits for it.
#pragma once

#include <chrono>
#include <functional>
#include <thread>

#include "base/clock.h"
#include "base/latest.h"
#include "controlplane/store.h"

namespace moenet::controlplane {

class Tidying {
 public:
  // `store` must outlive it.
  Tidying(Store& store, std::function<WallTime()> now, std::chrono::milliseconds interval = std::chrono::minutes(1));

 private:
  void run(const std::stop_token& stop, std::chrono::milliseconds interval);

  Store& store_;
  const std::function<WallTime()> now_;
  Wakeup never_;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace moenet::controlplane
