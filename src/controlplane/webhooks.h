// Webhooks: one thread that takes deliveries out of the store and posts them, signed, to their webhooks. A delivery is
// claimed by a lease, so that of several control planes on one database one sends it; who dies with it in its hand
// leaves it to the others when the lease is over. The receiver may therefore get an event twice, with the same id; it
// never misses one that was not given up.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/backoff.h"
#include "base/clock.h"
#include "controlplane/store.h"

namespace moenet::controlplane {

struct WebhookSettings {
  bool may_reach_private = false;  // addresses that are not public (public_address.h)
  // Chosen: that a change of another control plane, or a repetition, waits no longer is soon enough.
  std::chrono::milliseconds poll{1'000};
  std::chrono::milliseconds attempt_timeout{10'000};
  // Chosen: a receiver that restarts is asked again within seconds, one that is away for long not often.
  Backoff backoff{std::chrono::milliseconds(4'000), std::chrono::hours(1)};
  std::chrono::milliseconds give_up_after = std::chrono::hours(24);
};

struct WebhookCounters {
  std::uint64_t delivered = 0;
  std::uint64_t failed = 0;  // attempts
  std::uint64_t given_up = 0;
};

class Webhooks {
 public:
  // `store` must outlive it.
  Webhooks(Store& store, WebhookSettings settings, std::function<WallTime()> now);
  // An attempt under way is broken off, and made again by whoever comes next.
  ~Webhooks();

  // Something may be waiting. From any thread.
  void wake();
  WebhookCounters counters() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace moenet::controlplane
