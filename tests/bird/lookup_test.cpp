#include "bird/lookup.h"

#include <algorithm>
#include <map>
#include <span>

#include <gtest/gtest.h>

#include "bird/fixture.h"
#include "bird/real_bird.h"

namespace moenet::bird {
namespace {

IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }
IpPrefix network(std::string_view text) { return IpPrefix::parse(text).value(); }

std::vector<Route> routes_in(const std::string& version, const std::string& name) {
  const auto answer = parse_routes(only(fixture(version, name)));
  EXPECT_TRUE(answer) << answer.error().what;
  EXPECT_FALSE(answer && answer->is_cut);
  return answer ? answer->routes : std::vector<Route>();
}

class Routes : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Bird, Routes, testing::ValuesIn(kVersions));

TEST_P(Routes, EachHasItsNetworkSourceAndAttributes) {
  const auto routes = routes_in(GetParam(), "route_best_all");
  ASSERT_GE(routes.size(), 6u);
  EXPECT_EQ(std::ranges::count_if(routes, &Route::is_best), 1);
  EXPECT_TRUE(routes[0].is_best);
  EXPECT_EQ(routes[0].protocol, "ibgp_far");
  EXPECT_EQ(routes[0].as_path, AsPath());
  for (const Route& each : routes) {
    EXPECT_EQ(each.network, network("172.20.2.0/24"));
    EXPECT_EQ(each.table, "master4");
    EXPECT_EQ(each.local_pref, 100u);
    EXPECT_EQ(each.since.size(), 12u) << each.since;
  }
  const auto second = std::ranges::find(routes, "dn42_second", &Route::protocol);
  ASSERT_NE(second, routes.end());
  Route expected;
  expected.table = "master4";
  expected.network = network("172.20.2.0/24");
  expected.kind = "unicast";
  expected.next_hops = {{address("fe80::2"), "dn42_1"}};
  expected.protocol = "dn42_second";
  expected.since = second->since;
  expected.origin = "IGP";
  expected.as_path = AsPath{{4242420100, 4242429998, 4242429999}};
  expected.local_pref = 100;
  EXPECT_EQ(*second, expected);
}

TEST_P(Routes, WithoutAttributesAreTheSameRows) {
  const auto rows = routes_in(GetParam(), "route_best");
  const auto all = routes_in(GetParam(), "route_best_all");
  ASSERT_EQ(rows.size(), all.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].protocol, all[i].protocol);
    EXPECT_EQ(rows[i].next_hops, all[i].next_hops);
    EXPECT_FALSE(rows[i].as_path);
  }
}

TEST_P(Routes, CommunitiesGoOnOverLines) {
  const auto routes = routes_in(GetParam(), "route_communities");
  ASSERT_EQ(routes.size(), 1u);
  const Route& route = routes[0];
  EXPECT_EQ(route.origin, "Incomplete");
  EXPECT_EQ(route.med, 50u);
  ASSERT_EQ(route.communities.size(), 60u);
  ASSERT_EQ(route.large_communities.size(), 30u);
  for (std::uint16_t n = 1; n <= 60; ++n) EXPECT_EQ(route.communities[n - 1u], (model::Community{64511, n}));
  for (std::uint32_t n = 1; n <= 30; ++n)
    EXPECT_EQ(route.large_communities[n - 1], (model::LargeCommunity{4242420100, n, 4294967295}));
}

TEST_P(Routes, APathThatBirdCutsSaysSo) {
  const auto routes = routes_in(GetParam(), "route_long_path");
  ASSERT_EQ(routes.size(), 1u);
  ASSERT_TRUE(routes[0].as_path);
  EXPECT_TRUE(routes[0].as_path->is_cut);
  EXPECT_GE(routes[0].as_path->asns.size(), 40u);
  for (const auto asn : routes[0].as_path->asns) EXPECT_EQ(asn, 4242421111u) << "no half of a number";
}

TEST_P(Routes, HaveAllTheirNextHopsOrNone) {
  const auto hops = routes_in(GetParam(), "route_hops");
  ASSERT_EQ(hops.size(), 2u);
  std::vector<NextHop> both = hops[0].next_hops;
  std::ranges::sort(both, {}, [](const NextHop& hop) { return hop.gateway; });
  EXPECT_EQ(both, (std::vector<NextHop>{{address("10.0.0.2"), "wire"}, {address("10.0.0.3"), "wire"}}));
  EXPECT_FALSE(hops[0].as_path);
  const auto hole = routes_in(GetParam(), "route_hole");
  ASSERT_EQ(hole.size(), 2u);
  EXPECT_EQ(hole[0].kind, "blackhole");
  EXPECT_TRUE(hole[0].next_hops.empty());
  const auto all = routes_in(GetParam(), "show_route");
  const auto loopback = std::ranges::find(all, network("172.20.1.1/32"), &Route::network);
  ASSERT_NE(loopback, all.end());
  EXPECT_EQ(loopback->next_hops, (std::vector<NextHop>{{std::nullopt, "lo"}}));
  const auto internal = std::ranges::find(all, "ibgp_c", &Route::protocol);
  ASSERT_NE(internal, all.end());
  EXPECT_EQ(internal->from, address("fd42:0:3::1"));
}

TEST_P(Routes, AreOfTheirTables) {
  const auto routes = routes_in(GetParam(), "route_tables");
  ASSERT_EQ(routes.size(), 4u);
  EXPECT_EQ(routes[1].table, "master4");
  EXPECT_EQ(routes[2].table, "aside");
  EXPECT_TRUE(routes[0].is_best && routes[2].is_best);
  const auto v6 = routes_in(GetParam(), "route_v6");
  ASSERT_FALSE(v6.empty());
  EXPECT_EQ(v6[0].table, "master6");
  EXPECT_EQ(v6[0].network, network("fdc0::/48"));
}

TEST_P(Routes, NoneIsAnAnswerAndNoTableAnError) {
  EXPECT_TRUE(routes_in(GetParam(), "route_none").empty());
  const auto missing = parse_routes(only(fixture(GetParam(), "route_no_table")));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::invalid);
}

TEST_P(Routes, OfACutReplyAreWhole) {
  const std::string bytes = fixture(GetParam(), "route_best_all");
  const auto whole = routes_in(GetParam(), "route_best_all");
  for (std::size_t limit = 0; limit < bytes.size(); ++limit) {
    ReplyReader reader(limit, ReplyReader::TooLarge::cut);
    ASSERT_TRUE(reader.feed(bytes)) << limit;
    const auto answer = parse_routes(reader.next().value());
    ASSERT_TRUE(answer) << limit;
    EXPECT_TRUE(answer->is_cut);
    ASSERT_LT(answer->routes.size(), whole.size());
    EXPECT_TRUE(std::ranges::equal(answer->routes, std::span(whole).first(answer->routes.size()))) << limit;
  }
}

TEST(Paths, MayHoldSets) {
  const auto answer = parse_routes(only(
      "1007-Table t:\n 10.0.0.0/8 unicast [p 2026-11-23 12:00:00] ! (100)\n1012-\tbgp_path: 1 {2 3} (4) 5\n0000 \n"));
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->routes.size(), 1u);
  EXPECT_EQ(answer->routes[0].as_path, (AsPath{{1, 2, 3, 4, 5}, true, false}));
  EXPECT_EQ(answer->routes[0].since, "2026-11-23 12:00:00");
  EXPECT_FALSE(answer->routes[0].is_best);
}

class LookingGlasses : public testing::TestWithParam<BirdProgram> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(GetParam().is_there()) << GetParam().path << " is missing: ./dev setup";
    std::string config =
        "router id 10.0.0.1;\nprotocol device { }\nipv4 table aside;\nipv4 table vacant;\n"
        "protocol static s5 { ipv4 { table aside; }; route 172.20.0.0/15 blackhole; }\n"
        "protocol static s4 { ipv4; route 172.20.0.0/14 unreachable { bgp_path.prepend(64511); };"
        "  route 172.20.1.0/24 blackhole { bgp_path.prepend(64513); bgp_path.prepend(64512); }; }\n"
        "protocol static s6 { ipv6; route fd00::/8 unreachable; }\n";
    for (int i = 0; i < 3000; ++i) {  // so many routes of one network that an answer does not hold them
      config += "protocol static many" + std::to_string(i) + " { ipv4 { preference " + std::to_string(100 + i % 50) +
                "; }; route 10.0.0.0/8 unreachable { bgp_community = -empty-; bgp_community.add((64511,1)); }; }\n";
    }
    write_file(bird_.main(), config);
    bird_.start();
  }

  RealBird bird_{GetParam().path};
  LookingGlass glass_{bird_.socket()};
};
INSTANTIATE_TEST_SUITE_P(Bird, LookingGlasses, testing::ValuesIn(bird_programs()), name_of_program);

TEST_P(LookingGlasses, TellTheRoutesOfTheLongestNetwork) {
  const auto hole = glass_.routes_to(address("172.20.1.7"), {}, soon(), {});
  ASSERT_TRUE(hole) << hole.error().what;
  ASSERT_EQ(hole->routes.size(), 1u);
  EXPECT_EQ(hole->routes[0].kind, "blackhole");
  EXPECT_EQ(hole->routes[0].network, network("172.20.1.0/24"));
  const auto wide = glass_.routes_to(network("172.20.0.0/16"), "master4", soon(), {});
  ASSERT_TRUE(wide) << wide.error().what;
  ASSERT_EQ(wide->routes.size(), 1u);
  EXPECT_EQ(wide->routes[0].network, network("172.20.0.0/14"));
  EXPECT_EQ(glass_.routes_to(address("fd00::1"), {}, soon(), {})->routes.at(0).table, "master6");
  EXPECT_TRUE(glass_.routes_to(address("9.9.9.9"), {}, soon(), {})->routes.empty());
  EXPECT_TRUE(glass_.routes_to(address("172.20.1.7"), "vacant", soon(), {})->routes.empty());
  const auto all = glass_.routes_to(address("172.20.1.7"), "all", soon(), {});
  ASSERT_TRUE(all) << all.error().what;
  std::map<std::string, IpPrefix> networks;
  for (const Route& route : all->routes) networks[route.table] = route.network;
  EXPECT_EQ(networks, (std::map<std::string, IpPrefix>{{"master4", network("172.20.1.0/24")},
                                                       {"aside", network("172.20.0.0/15")}}));
  EXPECT_TRUE(glass_.routes_to(address("::ffff:1.2.3.4"), {}, soon(), {}));
  for (const std::string table : {"nowhere", "master6", "a b", "master4; configure", "", "1", "x\n"}) {
    const auto wrong = glass_.routes_to(address("172.20.1.7"), table, soon(), {});
    ASSERT_FALSE(wrong) << table;
    EXPECT_EQ(wrong.error().code, Errc::invalid) << table;
  }
  EXPECT_EQ(glass_.path_to(address("172.20.1.7"), soon(), {}).value(), (AsPath{{64512, 64513}}));
  EXPECT_EQ(glass_.path_to(address("172.20.2.7"), soon(), {}).value(), (AsPath{{64511}}));
  EXPECT_EQ(glass_.path_to(address("fd00::1"), soon(), {}).value(), AsPath());
  EXPECT_EQ(glass_.path_to(address("9.9.9.9"), soon(), {}).value(), std::nullopt);
}

TEST_P(LookingGlasses, CutAnAnswerThatIsTooLongAndGoOn) {
  for (int i = 0; i < 3; ++i) {
    const auto many = glass_.routes_to(address("10.1.2.3"), {}, soon(), {});
    ASSERT_TRUE(many) << many.error().what;
    EXPECT_TRUE(many->is_cut);
    EXPECT_GT(many->routes.size(), 1000u);
    EXPECT_TRUE(many->routes[0].is_best);
    EXPECT_FALSE(glass_.routes_to(address("172.20.1.7"), {}, soon(), {})->is_cut);
  }
}

TEST_P(LookingGlasses, ChangeNothing) {
  BirdPool reading(bird_.socket(), {}, Access::reading);
  EXPECT_EQ(reading.ask("disable s4", soon(), {})->code(), 8007);
  EXPECT_EQ(reading.ask("configure", soon(), {})->code(), 8007);
  EXPECT_EQ(reading.ask("show status", soon(), {})->code(), 13);
}

}  // namespace
}  // namespace moenet::bird
