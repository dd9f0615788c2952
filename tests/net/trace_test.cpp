#include "net/trace.h"

#include <set>

#include <gtest/gtest.h>

#include "net/icmp_far_end.h"

namespace moenet::net {
namespace {

using namespace std::chrono_literals;
using testing::address;
using testing::Doings;
using testing::error_from;
using testing::IcmpFarEnd;
using testing::probe_to;
using testing::reply_after;
using testing::SeenEcho;

TracePlan quick() {
  TracePlan plan;
  plan.interval = 5ms;
  plan.timeout = 200ms;
  plan.pace = 100us;
  return plan;
}

// A path of `length` routers 192.0.2.101, 102, … before the target; each a millisecond further away.
Doings of_path(const SeenEcho& echo, unsigned length, const std::set<unsigned>& silent = {}) {
  if (silent.contains(echo.hop_limit)) return {};
  if (echo.hop_limit > length) return {reply_after(echo, 1ms * (length + 1))};
  const bool is_v4 = echo.target.is_v4();
  const std::string router = fmt::format("{}{}", is_v4 ? "192.0.2." : "2001:db8::", 100 + echo.hop_limit);
  auto error = error_from(echo, router.c_str(), is_v4 ? 11 : 3, 0);
  error.after = 1ms * echo.hop_limit;
  return {error};
}

class TraceOf : public ::testing::TestWithParam<std::tuple<const char*, IcmpAccess>> {
 protected:
  void SetUp() override { testing::write_sysctl("/proc/sys/net/ipv4/ping_group_range", "0 0"); }
};

TEST_P(TraceOf, APathNamesItsRoutersInOrder) {
  const auto& [target, access] = GetParam();
  const IcmpFarEnd far([](const SeenEcho& echo) { return of_path(echo, 4); });
  const auto exchange = EchoExchange::open({access}).value();
  const auto trace = trace_path(*exchange, probe_to(target), quick(), {}).value();
  EXPECT_TRUE(trace.reached);
  ASSERT_EQ(trace.hops.size(), 5u);
  for (unsigned i = 0; i < 5; ++i) {
    ASSERT_EQ(trace.hops[i].size(), 3u);
    for (const auto& answer : trace.hops[i]) {
      ASSERT_TRUE(answer) << i;
      EXPECT_EQ(answer->from.text().back(), i < 4 ? static_cast<char>('1' + i) : '1');
      EXPECT_GE(answer->time, 1ms * (i + 1));
      EXPECT_LT(answer->time, 100ms);
      EXPECT_TRUE(answer->refusal.empty());
    }
  }
  EXPECT_EQ(trace.hops[4][0]->from, address(target));
}

INSTANTIATE_TEST_SUITE_P(FamiliesAndAccesses, TraceOf,
                         ::testing::Combine(::testing::Values("192.0.2.1", "2001:db8::1"),
                                            ::testing::Values(IcmpAccess::raw, IcmpAccess::datagram)));

TEST(Trace, SilentRoutersAreHopsWithoutAnswers) {
  const IcmpFarEnd far([](const SeenEcho& echo) { return of_path(echo, 9, {2, 3, 9}); });
  const auto exchange = EchoExchange::open().value();
  const auto trace = trace_path(*exchange, probe_to("192.0.2.1"), quick(), {}).value();
  EXPECT_TRUE(trace.reached);
  ASSERT_EQ(trace.hops.size(), 10u);
  EXPECT_EQ(trace.hops[1], Hop(3));
  EXPECT_EQ(trace.hops[8], Hop(3));
  EXPECT_TRUE(trace.hops[3][0]);
}

TEST(Trace, AFirewallEndsItWithItsWords) {
  const IcmpFarEnd far([](const SeenEcho& echo) -> Doings {
    if (echo.hop_limit < 3) return of_path(echo, 9);
    return {error_from(echo, "192.0.2.103", 3, 13)};
  });
  const auto exchange = EchoExchange::open().value();
  const auto trace = trace_path(*exchange, probe_to("192.0.2.1"), quick(), {}).value();
  EXPECT_FALSE(trace.reached);
  ASSERT_EQ(trace.hops.size(), 3u);
  EXPECT_EQ(trace.hops[2][0]->refusal, "administratively prohibited");
  EXPECT_EQ(trace.hops[2][0]->from, address("192.0.2.103"));
}

TEST(Trace, ATargetThatNeverAnswersEndsItAndTheSilenceIsCutOff) {
  std::atomic<unsigned> furthest = 0;
  const IcmpFarEnd far([&furthest](const SeenEcho& echo) -> Doings {
    furthest = std::max(furthest.load(), echo.hop_limit);
    if (echo.hop_limit > 3) return {};
    return of_path(echo, 9);
  });
  const auto exchange = EchoExchange::open().value();
  const auto trace = trace_path(*exchange, probe_to("192.0.2.1"), quick(), {}).value();
  EXPECT_FALSE(trace.reached);
  EXPECT_EQ(trace.hops.size(), 3u);
  EXPECT_EQ(furthest, 16u) << "not all 30";
}

TEST(Trace, ALoopIsBounded) {
  const IcmpFarEnd far([](const SeenEcho& echo) { return of_path(echo, 1000); });
  const auto exchange = EchoExchange::open().value();
  const auto trace = trace_path(*exchange, probe_to("192.0.2.1"), quick(), {}).value();
  EXPECT_FALSE(trace.reached);
  EXPECT_EQ(trace.hops.size(), 30u);
}

TEST(Trace, WithoutARouteItFails) {
  const auto exchange = EchoExchange::open().value();
  const auto trace = trace_path(*exchange, probe_to("203.0.113.1"), quick(), {});
  ASSERT_FALSE(trace);
  EXPECT_EQ(trace.error().code, Errc::unavailable);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(trace_path(*exchange, probe_to("127.0.0.1"), quick(), stop.get_token()).error().code, Errc::cancelled);
}

}  // namespace
}  // namespace moenet::net
