#include "http/failure_limit.h"

#include <gtest/gtest.h>

namespace moenet::http {
namespace {

using std::chrono::seconds;

TEST(FailureLimit, OneHostsIpv6AddressesAreOne) {
  EXPECT_EQ(address_bucket("2001:db8:1:2::1"), address_bucket("2001:db8:1:2:ffff::2"));
  EXPECT_NE(address_bucket("2001:db8:1:2::1"), address_bucket("2001:db8:1:3::1"));
  EXPECT_NE(address_bucket("192.0.2.1"), address_bucket("192.0.2.2"));
}

TEST(FailureLimit, IsSpentForThatAddressUntilTheMinuteEnds) {
  FailureLimit limit(2);
  const WallTime now{seconds(1'000)};
  EXPECT_FALSE(limit.is_spent("192.0.2.1", now));
  EXPECT_FALSE(limit.failed("192.0.2.1", now).exceeded);
  EXPECT_FALSE(limit.is_spent("192.0.2.1", now));
  EXPECT_FALSE(limit.failed("192.0.2.1", now).exceeded);
  EXPECT_TRUE(limit.is_spent("192.0.2.1", now));
  EXPECT_TRUE(limit.failed("192.0.2.1", now).exceeded);
  EXPECT_FALSE(limit.is_spent("192.0.2.2", now));
  EXPECT_FALSE(limit.is_spent("192.0.2.1", now + seconds(60)));
}

}  // namespace
}  // namespace moenet::http
