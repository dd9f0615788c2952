#include "net/path_mtu.h"

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

PathMtuPlan quick() {
  PathMtuPlan plan;
  plan.interval = 2ms;
  plan.pace = 100us;
  plan.timeout = 150ms;
  return plan;
}

Result<PathMtu> searched(const char* target, std::uint16_t least, std::uint16_t most,
                         const ExchangeSettings& settings = {}) {
  const auto exchange = EchoExchange::open(settings).value();
  return search_path_mtu(*exchange, probe_to(target), least, most, quick(), {});
}

// A path that carries so much; what is larger vanishes, as in a black hole, or a router says what would fit.
Doings of_path(const SeenEcho& echo, std::size_t mtu, bool router_speaks) {
  if (echo.bytes <= mtu) return {reply_after(echo, 1ms)};
  if (!router_speaks) return {};
  const bool is_v4 = echo.target.is_v4();
  auto error = error_from(echo, is_v4 ? "192.0.2.77" : "2001:db8::77", is_v4 ? 3 : 2, is_v4 ? 4 : 0,
                          static_cast<std::uint32_t>(mtu));
  error.icmp.resize(8 + (is_v4 ? 28 : 128));  // the beginning of what it quotes
  if (is_v4) error.icmp = testing::with_checksum(error.icmp);
  return {error};
}

struct PathCase {
  const char* target;
  std::uint16_t mtu, least, most;
  bool router_speaks;
  IcmpAccess access = IcmpAccess::raw;
};
class PathMtuOf : public ::testing::TestWithParam<PathCase> {
 protected:
  void SetUp() override { testing::write_sysctl("/proc/sys/net/ipv4/ping_group_range", "0 0"); }
};

TEST_P(PathMtuOf, APathIsFoundToTheByte) {
  const auto& path = GetParam();
  std::atomic<bool> was_whole = true;
  const IcmpFarEnd far([&](const SeenEcho& echo) {
    was_whole = was_whole && !echo.may_be_fragmented;
    return of_path(echo, path.mtu, path.router_speaks);
  });
  const auto found = searched(path.target, path.least, path.most, {path.access});
  ASSERT_TRUE(found) << found.error().what;
  EXPECT_EQ(found->bytes, std::min(path.mtu, path.most));
  EXPECT_EQ(found->named_by.has_value(), path.router_speaks && path.mtu < path.most);
  EXPECT_TRUE(was_whole);
}

INSTANTIATE_TEST_SUITE_P(
    BlackHolesAndRouters, PathMtuOf,
    ::testing::Values(PathCase{"192.0.2.1", 1500, 1280, 1500, false}, PathCase{"192.0.2.1", 1280, 1280, 1500, false},
                      PathCase{"192.0.2.1", 1281, 1280, 1500, false}, PathCase{"192.0.2.1", 1492, 1280, 1500, false},
                      PathCase{"192.0.2.1", 1499, 1280, 1500, false}, PathCase{"192.0.2.1", 1420, 1280, 9000, true},
                      PathCase{"192.0.2.1", 5555, 576, 9000, false}, PathCase{"2001:db8::1", 1452, 1280, 1500, false},
                      PathCase{"2001:db8::1", 1452, 1280, 1500, true}, PathCase{"2001:db8::1", 8999, 1280, 9000, true},
                      PathCase{"192.0.2.1", 1400, 1280, 1500, false, IcmpAccess::datagram},
                      PathCase{"192.0.2.1", 1400, 1280, 1500, true, IcmpAccess::datagram},
                      PathCase{"2001:db8::1", 1400, 1280, 1500, true, IcmpAccess::datagram}));

TEST(PathMtu, AThirdOfLostEchoesDoesNotShrinkIt) {
  const IcmpFarEnd far([](const SeenEcho& echo) -> Doings {
    if (echo.ordinal % 3 == 0) return {};
    return of_path(echo, 1437, false);
  });
  EXPECT_EQ(searched("192.0.2.1", 1280, 1500).value().bytes, 1437);
}

TEST(PathMtu, ARouterThatNamesTooLittleIsNotBelieved) {
  const IcmpFarEnd far([](const SeenEcho& echo) -> Doings {
    if (echo.bytes <= 1460) return {reply_after(echo, 1ms)};
    return {error_from(echo, "192.0.2.77", 3, 4, 1300)};
  });
  const auto found = searched("192.0.2.1", 1280, 1500).value();
  EXPECT_EQ(found.bytes, 1460);
  EXPECT_FALSE(found.named_by);
}

TEST(PathMtu, TheLinkItselfIsALimit) {
  ASSERT_EQ(testing::run_program({"ip", "link", "set", "lo", "mtu", "1400"}), 0);
  EXPECT_EQ(searched("127.0.0.1", 1280, 1500).value().bytes, 1400);
  EXPECT_EQ(searched("::1", 1280, 1500).value().bytes, 1400);
  ASSERT_EQ(testing::run_program({"ip", "link", "set", "lo", "mtu", "65536"}), 0);
}

TEST(PathMtu, OfATargetThatIsSilentNothingIsKnown) {
  const IcmpFarEnd far([](const SeenEcho& echo) { return of_path(echo, 1200, false); });
  const auto found = searched("192.0.2.1", 1280, 1500);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Errc::unavailable);
  EXPECT_EQ(found.error().what, "192.0.2.1 does not answer to packets of 1280 bytes");
  const auto lost = searched("203.0.113.1", 1280, 1500);
  ASSERT_FALSE(lost);
  EXPECT_NE(lost.error().what.find("Network is unreachable"), std::string::npos) << lost.error().what;
}

TEST(PathMtu, ARangeThatIsNoneIsInvalid) {
  EXPECT_EQ(searched("127.0.0.1", 1500, 1280).error().code, Errc::invalid);
  EXPECT_EQ(searched("127.0.0.1", 40, 1280).error().code, Errc::invalid);
  std::stop_source stop;
  stop.request_stop();
  const auto exchange = EchoExchange::open().value();
  EXPECT_EQ(search_path_mtu(*exchange, probe_to("127.0.0.1"), 1280, 1500, quick(), stop.get_token()).error().code,
            Errc::cancelled);
}

}  // namespace
}  // namespace moenet::net
