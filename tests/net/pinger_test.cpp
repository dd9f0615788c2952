// Echoes over real sockets: loopback, and a network behind a tun that drops, doubles, delays, turns and forges.
#include "net/pinger.h"

#include <algorithm>
#include <atomic>
#include <linux/capability.h>
#include <mutex>
#include <set>
#include <sys/syscall.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "net/icmp_far_end.h"
#include "net/sysctl.h"

namespace moenet::net {
namespace {

using namespace std::chrono_literals;
using testing::address;
using testing::checksum_of_ipv6;
using testing::Doings;
using testing::error_from;
using testing::IcmpFarEnd;
using testing::reply_after;
using testing::SeenEcho;

std::vector<EchoTarget> targets(std::initializer_list<const char*> texts) {
  std::vector<EchoTarget> list;
  for (const char* text : texts) list.push_back({address(text), 0, std::nullopt});
  return list;
}

std::vector<EchoProbe> probes_to(std::initializer_list<const char*> texts) {
  std::vector<EchoProbe> list;
  for (const char* text : texts) list.emplace_back().target = address(text);
  return list;
}

// To both families' neighbors behind the far end.
const std::vector<EchoTarget> kBoth = targets({"192.0.2.1", "2001:db8::1"});

EchoPlan plan_of(unsigned count, std::chrono::milliseconds interval = 5ms, std::chrono::milliseconds timeout = 1000ms) {
  EchoPlan plan;
  plan.count = count;
  plan.interval = interval;
  plan.pace = 100us;
  plan.timeout = timeout;
  return plan;
}

std::vector<EchoResult> measured(const std::vector<EchoTarget>& list, const EchoPlan& plan,
                                 const ExchangeSettings& settings = {}) {
  return Pinger::open(settings).value()->measure(list, plan, {}).value();
}

TEST(Pinger, LoopbackAnswersAtOnceInBothFamilies) {
  const auto results = measured(targets({"127.0.0.1", "::1", "127.3.2.1"}), plan_of(5));
  ASSERT_EQ(results.size(), 3u);
  for (const auto& result : results) {
    EXPECT_EQ(result.sent, 5u);
    EXPECT_EQ(result.received(), 5u) << result.error;
    EXPECT_EQ(result.duplicates + result.late, 0u);
    EXPECT_TRUE(result.error.empty()) << result.error;
    EXPECT_LT(summary_of(result).median, 20ms);
    EXPECT_GT(summary_of(result).least, 0ns);
  }
}

// Answers lie in the socket for up to 10 ms while packets leave; what counts is when the kernel got them.
TEST(Pinger, TheTimeIsTheKernelsAndNotThatOfReading) {
  std::vector<EchoTarget> many;
  for (std::uint8_t i = 1; i <= 200; ++i) many.push_back({IpAddress::v4({127, 0, 1, i}), 0, std::nullopt});
  EchoPlan plan = plan_of(1);
  plan.pace = 1000us;
  std::vector<std::chrono::nanoseconds> times;
  for (const auto& result : measured(many, plan)) {
    ASSERT_EQ(result.received(), 1u);
    times.push_back(result.times[0]);
  }
  std::ranges::sort(times);
  EXPECT_LT(times[100], 2ms) << "half of them would take 5 ms and more";
}

TEST(Pinger, LostEchoesAreLoss) {
  const IcmpFarEnd far([](const SeenEcho& echo) -> Doings {
    if (echo.icmp[7] % 4 == 0) return {};  // a sequence in four
    return {reply_after(echo, 1ms)};
  });
  const auto results = measured(kBoth, plan_of(20, 5ms, 150ms));
  unsigned received = 0;
  for (const auto& result : results) {
    EXPECT_EQ(result.sent, 20u);
    EXPECT_EQ(result.late + result.duplicates, 0u);
    received += result.received();
  }
  EXPECT_EQ(received, 30u);
}

TEST(Pinger, AFurtherReplyIsADuplicateAndNoAnswer) {
  const IcmpFarEnd far([](const SeenEcho& echo) -> Doings {
    return {reply_after(echo, 1ms), reply_after(echo, 2ms), reply_after(echo, 3ms)};
  });
  for (const auto& result : measured(kBoth, plan_of(4, 30ms))) {
    EXPECT_EQ(result.received(), 4u);
    EXPECT_GE(result.duplicates, 2u) << "those of the last echoes may come after the end";
    EXPECT_LE(result.duplicates, 8u);
  }
}

TEST(Pinger, ALateReplyIsLossAndSaidToBeLate) {
  const IcmpFarEnd far(
      [](const SeenEcho& echo) -> Doings { return {reply_after(echo, echo.ordinal < 2 ? 150ms : 1ms)}; });
  for (const auto& result : measured(kBoth, plan_of(3, 100ms, 100ms))) {
    EXPECT_EQ(result.sent, 3u);
    EXPECT_EQ(result.received(), 2u);
    EXPECT_EQ(result.late, 1u);
    for (const auto time : result.times) EXPECT_LT(time, 100ms);
  }
}

TEST(Pinger, RepliesInAnotherOrderBelongToTheirEchoes) {
  const IcmpFarEnd far(
      [](const SeenEcho& echo) -> Doings { return {reply_after(echo, 120ms - 20ms * (echo.ordinal / 2))}; });
  for (const auto& result : measured(kBoth, plan_of(5, 2ms))) {
    ASSERT_EQ(result.received(), 5u);
    for (unsigned i = 0; i < 5; ++i) {
      EXPECT_GE(result.times[i], 120ms - 20ms * i) << i;
      if (i > 0) {
        EXPECT_LT(result.times[i], result.times[i - 1]) << i;
      }
    }
    EXPECT_EQ(result.duplicates, 0u);
  }
}

// Whoever sees the echoes may answer for their target; everybody else is told apart.
TEST(Pinger, ForgedRepliesAreNoAnswers) {
  const IcmpFarEnd far([](const SeenEcho& echo) -> Doings {
    auto of_cookie = reply_after(echo, 0us);
    of_cookie.icmp[31] ^= 1;
    auto of_number = reply_after(echo, 0us);
    of_number.icmp[15] ^= 1;
    auto of_time = reply_after(echo, 0us);
    of_time.icmp[20] ^= 1;
    auto of_sequence = reply_after(echo, 0us);
    of_sequence.icmp[7] ^= 1;
    auto of_identifier = reply_after(echo, 0us);
    of_identifier.icmp[5] ^= 1;
    auto of_another = reply_after(echo, 0us);
    of_another.from = address(echo.target.is_v4() ? "192.0.2.66" : "2001:db8::66");
    auto cut = reply_after(echo, 0us);
    cut.icmp.resize(kIcmpHeaderBytes + kSealBytes - 1);
    Doings all{of_cookie, of_number, of_time, of_sequence, of_identifier, of_another, cut};
    for (auto& doing : all)
      if (echo.target.is_v4()) doing.icmp = testing::with_checksum(doing.icmp);
    return all;
  });
  const auto exchange = EchoExchange::open().value();
  const auto probes = probes_to({"192.0.2.1", "2001:db8::1"});
  const auto outcomes = exchange->run(probes, {2, 5ms, 100us, 300ms, false}, {}).value();
  for (const auto& outcome : outcomes) {
    EXPECT_EQ(outcome.fate, EchoOutcome::Fate::silent);
    EXPECT_EQ(outcome.duplicates + outcome.late, 0u);
  }
  EXPECT_EQ(exchange->strays().forged, 4u * 6u) << "of seven, one with another identifier never leaves the kernel";
}

TEST(Pinger, RepliesOfAMeasurementBeforeAreStale) {
  std::atomic<bool> late = true;
  const IcmpFarEnd far([&late](const SeenEcho& echo) -> Doings { return {reply_after(echo, late ? 80ms : 150ms)}; });
  const auto exchange = EchoExchange::open().value();
  const auto probes = probes_to({"192.0.2.1", "2001:db8::1"});
  EXPECT_EQ(exchange->run(probes, {1, 5ms, 100us, 20ms, false}, {}).value()[0].fate, EchoOutcome::Fate::silent);
  late = false;
  const auto outcomes = exchange->run(probes, {1, 5ms, 100us, 1000ms, false}, {}).value();
  for (const auto& outcome : outcomes) {
    EXPECT_EQ(outcome.fate, EchoOutcome::Fate::answered);
    EXPECT_GE(outcome.time, 150ms);
  }
  EXPECT_EQ(exchange->strays().stale, 2u);
  EXPECT_EQ(exchange->strays().forged, 0u);
}

std::atomic<std::int64_t> wall_step_seconds = 0;
WallTime stepped_wall() {
  static std::atomic<unsigned> calls = 0;
  if (++calls % 3 == 0) wall_step_seconds = wall_step_seconds == 0 ? 3600 : wall_step_seconds > 0 ? -3600 : 0;
  return wall_now() + std::chrono::seconds(wall_step_seconds);
}

TEST(Pinger, AWallClockThatIsSteppedChangesNoTime) {
  const IcmpFarEnd far([](const SeenEcho& echo) -> Doings { return {reply_after(echo, 20ms)}; });
  const auto results = measured(kBoth, plan_of(20, 5ms), {std::nullopt, stepped_wall});
  for (const auto& result : results) {
    ASSERT_EQ(result.received(), 20u);
    for (const auto time : result.times) {
      EXPECT_GE(time, 20ms);
      EXPECT_LT(time, 1s);
    }
  }
}

TEST(Pinger, ArrivalIsBoundBySteadyTime) {
  const SteadyTime start{1h};
  const ArrivalStamp stamp{start, start + 10ms, 4ms};
  EXPECT_EQ(arrival_of(stamp, start - 1s), start + 6ms)
      << "10 ms passed since the socket was empty, 4 of them it lay there";
  EXPECT_EQ(arrival_of({start, start + 10ms, -1ns}, start - 1s), start + 10ms) << "the clock was set back";
  EXPECT_EQ(arrival_of({start, start + 10ms, 11ms}, start - 1s), start + 10ms) << "the clock was set forward";
  EXPECT_EQ(arrival_of({start, start + 10ms, 4ms}, start + 7ms), start + 10ms) << "before it was sent: likewise";
  EXPECT_EQ(arrival_of({start, start + 10ms, std::nullopt}, start), start + 10ms);
}

TEST(Pinger, FiveThousandTargetsOfEachFamilyAtOnce) {
  ASSERT_EQ(testing::run_program({"ip", "-6", "route", "replace", "local", "fd42::/64", "dev", "lo"}), 0);
  std::vector<EchoTarget> many;
  for (unsigned i = 0; i < 5000; ++i) {
    const auto high = static_cast<std::uint8_t>(1 + i / 250);
    const auto low = static_cast<std::uint8_t>(1 + i % 250);
    many.push_back({IpAddress::v4({127, 7, high, low}), 0, std::nullopt});
    many.push_back({IpAddress::v6({0xfd, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, high, low}), 0, std::nullopt});
  }
  EchoPlan plan = plan_of(3);
  plan.pace = 0us;
  const auto results = measured(many, plan);
  ASSERT_EQ(results.size(), many.size());
  for (std::size_t i = 0; i < results.size(); ++i)
    ASSERT_EQ(results[i].received(), 3u) << many[i].address.text() << " " << results[i].error;
}

TEST(Pinger, MoreEchoesThanThereAreSequences) {
  EchoPlan plan = plan_of(70000, 0ms);
  plan.pace = 0us;
  const auto results = measured(targets({"127.0.0.1"}), plan);
  EXPECT_EQ(results[0].received(), 70000u);
  EXPECT_EQ(results[0].duplicates, 0u);
}

TEST(Pinger, TheSameLinkLocalAddressBehindTwoLinks) {
  const IcmpFarEnd near([](const SeenEcho& echo) -> Doings { return {reply_after(echo, 1ms)}; }, "far0");
  const IcmpFarEnd far([](const SeenEcho& echo) -> Doings { return {reply_after(echo, 40ms)}; }, "far1",
                       "198.51.100.254/24", "2001:db8:1::ffff/64");
  const auto results = measured(
      {{address("fe80::1"), near.index(), std::nullopt}, {address("fe80::1"), far.index(), std::nullopt}}, plan_of(3));
  ASSERT_EQ(results[0].received(), 3u) << results[0].error;
  ASSERT_EQ(results[1].received(), 3u) << results[1].error;
  EXPECT_LT(summary_of(results[0]).median, 30ms);
  EXPECT_GE(summary_of(results[1]).median, 40ms);
}

// A source that is not ours, which no route would take: so the echo asked none.
TEST(Pinger, ThroughALinkFromASourceNoRouteIsAsked) {
  std::mutex mutex;
  std::vector<SeenEcho> seen;
  const IcmpFarEnd far([&](const SeenEcho& echo) -> Doings {
    const std::lock_guard lock(mutex);
    seen.push_back(echo);
    return {};
  });
  const IpAddress source = address("fe80::1234"), target = address("fe80::1");
  const auto results = measured({{target, far.index(), source}}, plan_of(1, 5ms, 100ms));
  EXPECT_EQ(results[0].sent, 1u) << results[0].error;
  const std::lock_guard lock(mutex);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].from, source);
  EXPECT_EQ(seen[0].target, target);
  EXPECT_EQ(seen[0].hop_limit, 64u);
  EXPECT_EQ(checksum_of_ipv6(seen[0].from, seen[0].target, seen[0].icmp), 0) << "it contains its own";
}

TEST(Pinger, ThroughALinkFromASourceAnswersAreTheSame) {
  const IcmpFarEnd far([](const SeenEcho& echo) -> Doings { return {reply_after(echo, 20ms)}; });
  const auto results = measured({{address("fe80::1"), far.index(), address("fe80::fffe")},
                                 {address("fe80::2"), far.index(), std::nullopt},
                                 {address("fe80::3"), far.index(), address("fe80::fffe")}},
                                plan_of(3));
  for (const auto& result : results) {
    EXPECT_EQ(result.received(), 3u) << result.error;
    EXPECT_GE(summary_of(result).median, 20ms);
  }
}

TEST(Pinger, LinkAndSourceAreThoseAskedFor) {
  std::mutex mutex;
  std::set<std::string> seen;
  const auto note = [&](const char* link) {
    return [&mutex, &seen, link](const SeenEcho& echo) -> Doings {
      const std::lock_guard lock(mutex);
      seen.insert(std::string(link) + " " + echo.from.text());
      return {reply_after(echo, 0us)};
    };
  };
  const IcmpFarEnd far0(note("far0"), "far0");
  const IcmpFarEnd far1(note("far1"), "far1", "198.51.100.254/24", "2001:db8:1::ffff/64");
  const auto results = measured({{address("192.0.2.1"), 0, address("198.51.100.254")},
                                 {address("2001:db8::1"), 0, address("2001:db8:1::ffff")},
                                 {address("203.0.113.1"), far1.index(), std::nullopt}},
                                plan_of(1));
  for (const auto& result : results) EXPECT_EQ(result.received(), 1u) << result.error;
  const std::lock_guard lock(mutex);
  EXPECT_EQ(seen, (std::set<std::string>{"far0 198.51.100.254", "far0 2001:db8:1::ffff", "far1 198.51.100.254"}));
}

class PingerErrors : public ::testing::TestWithParam<IcmpAccess> {
 protected:
  void SetUp() override {
    const auto key = SysctlKey::parse("net.ipv4.ping_group_range").value();
    testing::write_sysctl("/proc/sys/" + key.path(), "0 0");
  }
};

TEST_P(PingerErrors, WhoRefusesIsNamed) {
  const IcmpFarEnd far([](const SeenEcho& echo) -> Doings {
    if (echo.target.is_v4()) return {error_from(echo, "192.0.2.77", 3, 1)};
    return {error_from(echo, "2001:db8::77", 1, 1)};
  });
  const auto began = steady_now();
  const auto results = measured(kBoth, plan_of(2, 5ms, 5000ms), {GetParam()});
  EXPECT_LT(steady_now() - began, 4s) << "what is refused is not waited for";
  EXPECT_EQ(results[0].error, "host unreachable, says 192.0.2.77");
  EXPECT_EQ(results[1].error, "administratively prohibited, says 2001:db8::77");
  for (const auto& result : results) {
    EXPECT_EQ(result.sent, 2u);
    EXPECT_EQ(result.received(), 0u);
    EXPECT_EQ(summary_of(result).loss_percent, 100);
  }
}

TEST_P(PingerErrors, AnErrorThatQuotesOnlyAHeaderIsProvedByTheChecksum) {
  const IcmpFarEnd far([](const SeenEcho& echo) -> Doings {
    auto error = error_from(echo, "192.0.2.77", 3, 1);
    error.icmp.resize(kIcmpHeaderBytes + 20 + kIcmpHeaderBytes);
    if (echo.ordinal == 0) error.icmp[kIcmpHeaderBytes + 20 + 2] ^= 1;
    error.icmp = testing::with_checksum(error.icmp);
    return {error};
  });
  const auto exchange = EchoExchange::open({GetParam()}).value();
  const auto probes = probes_to({"192.0.2.1"});
  const auto outcomes = exchange->run(probes, {2, 5ms, 100us, 100ms, false}, {}).value();
  EXPECT_EQ(outcomes[0].fate, EchoOutcome::Fate::silent) << "its checksum is another";
  EXPECT_EQ(outcomes[1].fate, EchoOutcome::Fate::refused);
  EXPECT_EQ(exchange->strays().forged, 1u);
}

TEST_P(PingerErrors, AReplyAfterARefusalCounts) {
  const IcmpFarEnd far(
      [](const SeenEcho& echo) -> Doings { return {error_from(echo, "192.0.2.77", 3, 0), reply_after(echo, 5ms)}; });
  const auto results = measured(targets({"192.0.2.1"}), plan_of(3, 100ms), {GetParam()});
  EXPECT_GE(results[0].received(), 2u) << "all but the last, whose refusal ended the wait";
}

TEST_P(PingerErrors, LoopbackAndALostRouteSideBySide) {
  const auto results = measured(targets({"203.0.113.9", "127.0.0.1", "3fff::1", "::1"}), plan_of(2), {GetParam()});
  for (const std::size_t lost : {0u, 2u}) {
    EXPECT_EQ(results[lost].sent, 0u);
    EXPECT_NE(results[lost].error.find("Network is unreachable"), std::string::npos) << results[lost].error;
  }
  for (const std::size_t good : {1u, 3u}) {
    EXPECT_EQ(results[good].received(), 2u) << results[good].error;
    EXPECT_EQ(results[good].error, "");
  }
}

INSTANTIATE_TEST_SUITE_P(BothAccesses, PingerErrors, ::testing::Values(IcmpAccess::raw, IcmpAccess::datagram),
                         [](const auto& access) { return access.param == IcmpAccess::raw ? "Raw" : "Datagram"; });

// For the calling thread alone.
void give_up_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[2] = {};
  testing::require(::syscall(SYS_capset, &header, none) == 0, "give up capabilities");
}

TEST(Pinger, WithoutRawSocketsItTakesDatagramsAndWithoutBothItSaysWhy) {
  const std::string range = "/proc/sys/net/ipv4/ping_group_range";
  testing::write_sysctl(range, "0 0");
  std::thread([] {
    give_up_capabilities();
    const auto pinger = Pinger::open().value();
    EXPECT_EQ(pinger->access(), Pinger::Access::datagram);
    const auto results = pinger->measure(targets({"127.0.0.1", "::1"}), plan_of(3), {}).value();
    for (const auto& result : results) EXPECT_EQ(result.received(), 3u) << result.error;
  }).join();
  testing::write_sysctl(range, "1 0");  // nobody (icmp(7))
  std::thread([] {
    EXPECT_EQ(Pinger::open().value()->access(), Pinger::Access::raw);
    give_up_capabilities();
    const auto refused = Pinger::open();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::denied);
    EXPECT_NE(refused.error().what.find("no CAP_NET_RAW"), std::string::npos) << refused.error().what;
    EXPECT_NE(refused.error().what.find("net.ipv4.ping_group_range"), std::string::npos);
  }).join();
}

TEST(Pinger, TwoAtOnceDoNotTakeEachOthersReplies) {
  std::vector<std::jthread> threads;
  std::atomic<unsigned> received = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&received] {
      for (const auto& result : measured(targets({"127.0.0.1", "::1"}), plan_of(50, 1ms))) {
        received += result.received();
        EXPECT_EQ(result.duplicates, 0u);
      }
    });
  }
  threads.clear();
  EXPECT_EQ(received, 4u * 2 * 50);
}

TEST(Pinger, AStopEndsTheWaitAtOnce) {
  std::stop_source stop;
  const IcmpFarEnd far([&stop](const SeenEcho&) -> Doings {
    stop.request_stop();
    return {};
  });
  const auto pinger = Pinger::open().value();
  const auto began = steady_now();
  const auto result = pinger->measure(targets({"192.0.2.1"}), plan_of(2, 60s, 60s), stop.get_token());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::cancelled);
  EXPECT_LT(steady_now() - began, 5s);
  EXPECT_FALSE(pinger->measure(targets({"127.0.0.1"}), plan_of(1), stop.get_token()));
  EXPECT_EQ(pinger->measure(targets({"127.0.0.1"}), plan_of(1), {}).value()[0].received(), 1u) << "it works on";
}

TEST(Pinger, NobodyToAskIsNoWait) {
  const auto pinger = Pinger::open().value();
  EXPECT_TRUE(pinger->measure({}, plan_of(5, 60s), {}).value().empty());
  EXPECT_EQ(pinger->measure(kBoth, plan_of(0), {}).value().size(), 2u);
}

TEST(EchoSummary, IsOfTheTimesThatThereAre) {
  EchoResult result;
  EXPECT_EQ(summary_of(result).loss_percent, 100);
  EXPECT_FALSE(summary_of(result).median);
  result.sent = 4;
  result.times = {10ms};
  EXPECT_EQ(summary_of(result).median, 10ms);
  EXPECT_EQ(summary_of(result).loss_percent, 75);
  EXPECT_FALSE(summary_of(result).jitter) << "of one time";
  result.times = {10ms, 16ms, 12ms};
  EXPECT_EQ(summary_of(result).median, 12ms);
  EXPECT_EQ(summary_of(result).least, 10ms);
  EXPECT_EQ(summary_of(result).jitter, 5ms);
  result.times = {10ms, 16ms, 12ms, 20ms};
  EXPECT_EQ(summary_of(result).median, 14ms);
  EXPECT_EQ(summary_of(result).loss_percent, 0);
}

}  // namespace
}  // namespace moenet::net
