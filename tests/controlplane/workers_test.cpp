#include "controlplane/workers.h"

#include <future>

#include <gtest/gtest.h>

namespace moenet::controlplane {
namespace {

TEST(Workers, RefuseJobsAndBytesBeyondWhatMayWait) {
  std::promise<void> gate;
  std::promise<void> busy;
  std::promise<void> done;
  Workers workers(1, 3, 100);
  ASSERT_TRUE(workers.submit(
      [&] {
        busy.set_value();
        gate.get_future().wait();
      },
      100));
  busy.get_future().wait();
  EXPECT_TRUE(workers.submit([] {}, 60)) << "what runs no longer waits";
  EXPECT_FALSE(workers.submit([] {}, 41));
  EXPECT_TRUE(workers.submit([] {}, 40));
  EXPECT_TRUE(workers.submit([&] { done.set_value(); }));
  EXPECT_FALSE(workers.submit([] {})) << "three wait";
  gate.set_value();
  done.get_future().wait();
  EXPECT_TRUE(workers.submit([] {}, 100));
}

}  // namespace
}  // namespace moenet::controlplane
