#include "agent/metric_task.h"

#include <gtest/gtest.h>

namespace moenet::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(MetricTask, LooksAsOftenAsItIsCheap) {
  AgentConfig config;
  config.control_plane.metric_interval = seconds(60);
  config.health.problem_after = seconds(60);
  config.health.ok_after = seconds(30);
  EXPECT_EQ(pause_after(milliseconds(0), config), seconds(10));
  EXPECT_EQ(pause_after(milliseconds(10), config), seconds(10));
  EXPECT_EQ(pause_after(milliseconds(15), config), seconds(15)) << "a thousandth of the time";
  EXPECT_EQ(pause_after(milliseconds(500), config), seconds(60)) << "rounds come anyway";
  config.health.problem_after = seconds(3);
  EXPECT_EQ(pause_after(milliseconds(0), config), seconds(3)) << "a shorter damping needs more looks";
  config.health.ok_after = seconds(0);
  EXPECT_EQ(pause_after(milliseconds(0), config), seconds(1));
}

}  // namespace
}  // namespace moenet::agent
