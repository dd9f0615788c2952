#include "base/latest.h"

#include <thread>

#include <gtest/gtest.h>

namespace moenet {
namespace {

TEST(Latest, KeepsASnapshotAliveForItsReader) {
  Latest<int> latest;
  EXPECT_EQ(latest.read(), nullptr);
  latest.put(1);
  const auto held = latest.read();
  latest.put(2);
  EXPECT_EQ(*held, 1);
  EXPECT_EQ(*latest.read(), 2);
}

TEST(Wakeup, RemembersANotificationFromBeforeTheWait) {
  Wakeup wakeup;
  wakeup.notify();
  wakeup.notify();
  EXPECT_TRUE(wakeup.wait(Deadline::after(std::chrono::hours(1)), {}));
  EXPECT_FALSE(wakeup.wait(Deadline::after(std::chrono::milliseconds(0)), {}));
}

TEST(Wakeup, EndsWhenAStopIsRequested) {
  Wakeup wakeup;
  bool was_notified = true;
  std::jthread sleeper(
      [&](const std::stop_token& stop) { was_notified = wakeup.wait(Deadline::after(std::chrono::hours(1)), stop); });
  sleeper.request_stop();
  sleeper.join();
  EXPECT_FALSE(was_notified);
}

}  // namespace
}  // namespace moenet
