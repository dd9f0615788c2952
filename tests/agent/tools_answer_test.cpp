#include "agent/tools_answer.h"

#include <gtest/gtest.h>

namespace moenet::agent {
namespace {

using std::chrono::microseconds;
const IpAddress kTarget = IpAddress::v4({172, 20, 0, 53});

TEST(ToolAnswer, PingTellsTimesAndLoss) {
  net::EchoResult result;
  result.sent = 4;
  result.times = {microseconds(1200), microseconds(1400), microseconds(1300)};
  const auto answer = ping_answer(kTarget.text(), result);
  EXPECT_EQ(answer.text,
            "answer from 172.20.0.53: 1.200 ms\nanswer from 172.20.0.53: 1.400 ms\nanswer from 172.20.0.53: 1.300 ms\n"
            "172.20.0.53: 4 sent, 3 received, 25% loss, min/median/jitter 1.200/1.300/0.150 ms\n");
  EXPECT_EQ(answer.data.at("median_ms"), 1.3);
}

TEST(ToolAnswer, NothingReceivedHasNoTimes) {
  net::EchoResult result;
  result.sent = 5;
  result.error = "network is unreachable";
  const auto answer = ping_answer(kTarget.text(), result);
  EXPECT_EQ(answer.text, "172.20.0.53: 5 sent, 0 received, 100% loss\nnetwork is unreachable\n");
  EXPECT_TRUE(answer.data.at("median_ms").is_null());
}

TEST(ToolAnswer, TcpingSaysWhyNot) {
  const auto answer =
      tcping_answer(Endpoint{kTarget, 179}.text(), {microseconds(2500), fail(Errc::timeout, "no answer")});
  EXPECT_EQ(answer.text,
            "connected to 172.20.0.53:179: 2.500 ms\n172.20.0.53:179: 1 of 2 connections made\nno answer\n");
}

TEST(ToolAnswer, TraceIsALineForEachHop) {
  const net::HopAnswer router{IpAddress::v4({172, 20, 0, 1}), microseconds(900), ""};
  const net::HopAnswer other{IpAddress::v4({172, 20, 0, 2}), microseconds(950), "administratively prohibited"};
  const auto answer = trace_answer(kTarget.text(), {{{router, std::nullopt, router}, {std::nullopt}, {other}}, false});
  EXPECT_EQ(answer.text,
            " 1  172.20.0.1  0.900 ms  *  0.900 ms\n"
            " 2  *\n"
            " 3  172.20.0.2  0.950 ms (administratively prohibited)\n"
            "172.20.0.53 not reached\n");
}

bird::Route route() {
  bird::Route route;
  route.table = "master4";
  route.network = IpPrefix::parse("172.20.0.0/24").value();
  route.kind = "unicast";
  route.next_hops = {{IpAddress::parse("fe80::1").value(), "dn42_1"}};
  route.protocol = "dn42_4242420001";
  route.since = "10:00:00.000";
  route.is_best = true;
  route.as_path = bird::AsPath{{4242420001, 4242420002}, false, false};
  route.local_pref = 100;
  route.communities = {{64511, 3}};
  route.large_communities = {{4242420001, 1, 2}};
  return route;
}

TEST(ToolAnswer, RouteTellsWhereAndWhy) {
  const auto answer = route_answer(kTarget, {{route()}, false});
  EXPECT_EQ(answer.text,
            "172.20.0.0/24        * unicast via fe80::1 on dn42_1\n"
            "  by dn42_4242420001 in master4 since 10:00:00.000, preference 100\n"
            "  path: 4242420001 4242420002\n"
            "  communities: (64511,3)\n"
            "  large communities: (4242420001,1,2)\n");
  EXPECT_EQ(route_answer(kTarget, {}).text, "no route to 172.20.0.53\n");
}

TEST(ToolAnswer, PathKnowsNoRouteFromOurOwn) {
  EXPECT_EQ(path_answer(kTarget, std::nullopt).text, "no route to 172.20.0.53\n");
  EXPECT_EQ(path_answer(kTarget, bird::AsPath{}).text, "172.20.0.53 is in this network\n");
  EXPECT_EQ(path_answer(kTarget, bird::AsPath{{1, 2}, false, true}).text, "1 2 ...\n");
}

TEST(ToolAnswer, DigIsAZoneFile) {
  const auto answer =
      dig_answer({"x.dn42", net::DnsType::mx}, kTarget, {0, false, false, {{"x.dn42.", 60, "MX", "10 m.dn42."}}});
  EXPECT_EQ(answer.text, "x.dn42. 60 MX 10 m.dn42.\n; x.dn42 MX: NOERROR, 1 record, by 172.20.0.53\n");
}

TEST(ToolAnswer, DocumentNeverExceedsItsBound) {
  for (const std::size_t count : {std::size_t{1}, std::size_t{150}, std::size_t{5000}}) {
    const auto document = tool_document(route_answer(kTarget, {std::vector(count, route()), false}));
    EXPECT_LE(document.size(), kToolAnswerBytes);
    const auto parsed = boost::json::parse(document);
    const bool is_cut = parsed.at("data").is_null();
    EXPECT_EQ(is_cut, count > 1);
    EXPECT_EQ(parsed.at("result").as_string().ends_with("cut: there is more\n"), is_cut);
  }
}

}  // namespace
}  // namespace moenet::agent
