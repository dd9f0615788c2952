#include "agent/ledger.h"

#include <gtest/gtest.h>

namespace moenet::agent {
namespace {

using std::chrono::milliseconds;

TEST(TaskLedger, CountsDurationsInBucketsThatAddUp) {
  TaskLedger ledger;
  ledger.record("a", {}, milliseconds(7));
  ledger.record("a", fail(Errc::timeout, "late"), std::chrono::minutes(10));
  ledger.record("a", {});
  const auto record = ledger.records().at("a");
  EXPECT_EQ(record.runs, 3u);
  EXPECT_EQ(record.failures, 1u);
  EXPECT_EQ(record.durations.count(), 2u) << "one run's duration says nothing";
  EXPECT_NEAR(record.durations.sum_seconds, 600.007, 1e-9);
  EXPECT_EQ(record.durations.at_most[1], 0u) << "5 ms";
  EXPECT_EQ(record.durations.at_most[2], 1u) << "10 ms";
  EXPECT_EQ(record.durations.at_most[Durations::kBounds.size() - 1], 1u) << "the last bound";
}

}  // namespace
}  // namespace moenet::agent
