#include "agent/mtu_task.h"

#include <map>

#include <gtest/gtest.h>

#include "agent/echoed_report.h"
#include "support/temporary_folder.h"

namespace moenet::agent {
namespace {

using std::chrono::minutes;

const WallTime kNow{std::chrono::seconds(1'800'000'000)};

LinkMeasurement link(const model::Owner& owner, const char* endpoint, std::uint32_t mtu = 1420) {
  LinkMeasurement link;
  link.owner = owner;
  link.has_link = true;
  link.mtu_bytes = mtu;
  link.tunnel.emplace();
  if (*endpoint != '\0') link.tunnel->endpoint = Endpoint{IpAddress::parse(endpoint).value(), 31080};
  return link;
}

TEST(MtuAdvice, IsGivenWhereTheTunnelPromisesMoreThanThePathCarries) {
  const auto advice = [](const char* endpoint, std::uint32_t mtu, std::optional<std::uint16_t> carried) {
    TunnelPath path = tunnels_of({link("o", endpoint, mtu)}).at(0);
    path.path_mtu_bytes = carried;
    return mtu_advice(path);
  };
  EXPECT_EQ(advice("192.0.2.7", 1420, 1480), "") << "60 bytes are WireGuard's over IPv4";
  EXPECT_EQ(advice("192.0.2.7", 1420, 1479),
            "lower the tunnel's MTU from 1420 to 1419 at both ends: the path to 192.0.2.7 carries 1479 bytes");
  EXPECT_EQ(advice("2001:db8::7", 1420, 1500), "") << "80 over IPv6";
  EXPECT_NE(advice("2001:db8::7", 1420, 1499), "");
  EXPECT_EQ(
      advice("192.0.2.7", 1420, 1300),
      "the path to 192.0.2.7 carries 1300 bytes: too little for IPv6 in the tunnel, whose packets of 1420 bytes are "
      "fragmented or lost");
  EXPECT_EQ(advice("192.0.2.7", 1420, std::nullopt), "") << "nothing is known";
}

TEST(MtuAdvice, CountsTheHeaderOfGre) {
  const auto fits = [](const char* remote, std::optional<std::uint32_t> key) {
    LinkMeasurement gre = link("o", "");
    gre.tunnel.reset();
    gre.gre.emplace().remote = IpAddress::parse(remote).value();
    gre.gre->key = key;
    TunnelPath path = tunnels_of({gre}).at(0);
    EXPECT_EQ(path.endpoint.text(), remote);
    path.path_mtu_bytes = 1500;
    return fitting_mtu(path);
  };
  EXPECT_EQ(fits("192.0.2.7", {}), 1476u);
  EXPECT_EQ(fits("192.0.2.7", 7), 1472u);
  EXPECT_EQ(fits("2001:db8::7", {}), 1456u);
}

constexpr std::chrono::hours kInterval{1};

PathSearch finds(std::map<std::string, Result<std::uint16_t>> carried, std::vector<std::string>* asked = nullptr) {
  return [carried = std::move(carried), asked](const IpAddress& endpoint, const std::stop_token&) {
    if (asked != nullptr) asked->push_back(endpoint.text());
    const auto at = carried.find(endpoint.text());
    if (at == carried.end()) return Result<net::PathMtu>(fail(Errc::unavailable, "silence"));
    return at->second ? Result<net::PathMtu>(net::PathMtu{*at->second, {}}) : std::unexpected(at->second.error());
  };
}

using Texts = std::vector<std::string>;

TEST(MtuTask, AsksOnlyWhatIsNewAndForgetsWhatIsGone) {
  Texts asked;
  const PathSearch search = finds({{"192.0.2.1", 1472}, {"192.0.2.3", 1472}}, &asked);
  const auto look = [&](const std::vector<LinkMeasurement>& links, const TunnelPaths& before, minutes later) {
    asked.clear();
    return measured_paths(tunnels_of(links), before, kNow + later, kInterval, search, {}).paths;
  };
  const auto first = look({link("a", "192.0.2.1"), link("b", "192.0.2.2"), link("c", "")}, {}, minutes(0));
  ASSERT_EQ(first.size(), 2u) << "a tunnel without an endpoint has no path";
  EXPECT_EQ(first[0].path_mtu_bytes, 1472);
  EXPECT_FALSE(first[1].path_mtu_bytes);
  EXPECT_EQ(asked, (Texts{"192.0.2.1", "192.0.2.2"}));

  look({link("a", "192.0.2.1"), link("b", "192.0.2.3")}, first, minutes(59));
  EXPECT_EQ(asked, Texts{"192.0.2.3"}) << "the endpoint moved";
  const auto again = look({link("a", "192.0.2.1", 1400)}, first, minutes(59));
  EXPECT_EQ(asked, Texts{}) << "a path is what it is, whatever goes over it";
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].mtu_bytes, 1400u);
  EXPECT_EQ(again[0].measured, kNow);
  look({link("a", "192.0.2.1")}, first, minutes(60));
  EXPECT_EQ(asked, Texts{"192.0.2.1"}) << "an hour is over";
}

TEST(MtuTask, AnEndpointThatCannotBeAskedIsLeftOutAndTheOthersAreNot) {
  const PathSearch search = finds(
      {{"192.0.2.1", fail(Errc::denied, "no ICMP")}, {"192.0.2.2", 1472}, {"192.0.2.4", fail(Errc::invalid, "x")}});
  const auto look = measured_paths(
      tunnels_of({link("a", "192.0.2.1"), link("b", "192.0.2.2"), link("c", "192.0.2.3"), link("d", "192.0.2.4")}), {},
      kNow, kInterval, search, {});
  ASSERT_EQ(look.paths.size(), 4u);
  EXPECT_FALSE(look.paths[0].path_mtu_bytes);
  EXPECT_EQ(look.paths[1].path_mtu_bytes, 1472);
  EXPECT_FALSE(look.paths[3].path_mtu_bytes);
  ASSERT_FALSE(look.outcome) << "it is said";
  EXPECT_EQ(look.outcome.error().code, Errc::denied) << "the first of them";
  EXPECT_NE(look.outcome.error().what.find("192.0.2.1"), std::string::npos) << look.outcome.error().what;
}

TEST(MtuTask, AsksAHostOnceForAllItsTunnels) {
  Texts asked;
  const auto paths = measured_paths(tunnels_of({link("a", "192.0.2.1"), link("b", "192.0.2.1", 1400)}), {}, kNow,
                                    kInterval, finds({{"192.0.2.1", 1472}}, &asked), {})
                         .paths;
  EXPECT_EQ(asked.size(), 1u);
  ASSERT_EQ(paths.size(), 2u);
  EXPECT_EQ(paths[1].path_mtu_bytes, 1472);
}

TEST(MtuTask, TellsOfEachSearchAsSoonAsItEnded) {
  std::vector<std::pair<std::size_t, Texts>> told;  // how many are known, and who is new
  const auto sink = [&](const TunnelPaths& known, const TunnelPaths& found) {
    Texts owners;
    for (const TunnelPath& path : found) owners.emplace_back(path.owner);
    told.emplace_back(known.size(), owners);
  };
  const TunnelPaths tunnels =
      tunnels_of({link("a", "192.0.2.9"), link("b", "192.0.2.1"), link("c", "192.0.2.2"), link("d", "192.0.2.1")});
  const TunnelPaths stale = {{"a", ip("192.0.2.9"), 1420, 60, 1472, std::nullopt, kNow - kInterval}};
  const auto look = measured_paths(tunnels, stale, kNow, kInterval, finds({{"192.0.2.1", 1472}}), {}, sink);
  using Told = std::pair<std::size_t, Texts>;
  EXPECT_EQ(told, (std::vector<Told>{{3, {"b", "d"}}, {4, {"c"}}, {4, {"a"}}}))
      << "one that is due is told of as it was until it is searched";
  ASSERT_EQ(look.paths.size(), 4u);
  EXPECT_FALSE(look.paths[0].path_mtu_bytes) << "it does not answer any more";
}

TEST(MtuTask, EndsWhenItIsCancelled) {
  const auto look = measured_paths(tunnels_of({link("a", "192.0.2.1"), link("b", "192.0.2.2")}), {}, kNow, kInterval,
                                   finds({{"192.0.2.1", fail(Errc::cancelled, "")}, {"192.0.2.2", 1472}}), {});
  EXPECT_EQ(look.outcome.error().code, Errc::cancelled);
  EXPECT_TRUE(look.paths.empty());
}

// A node with two sessions, of which `carried_` says what their paths carry.
class AppliedMtu : public testing::Test {
 protected:
  AppliedMtu() {
    settings_.probe = MtuProbe::apply;
    report_.put(echoed_report({echoed_row(1, {}), echoed_row(2, {})}));
    measurement_.links = {link(owner(1), "192.0.2.1"), link(owner(2), "192.0.2.2")};
  }
  MtuTask task() {
    return MtuTask({ledger_, settings_, report_, measured_, paths_, limits_, state_,
                    [this](const IpAddress& endpoint, const std::stop_token&) -> Result<net::PathMtu> {
                      const std::uint16_t bytes = carried_[endpoint.text()];
                      if (bytes == 0) return fail(Errc::unavailable, "silence");
                      return net::PathMtu{bytes, {}};
                    },
                    [this] { ++told_; }});
  }
  void search(MtuTask& task) {
    now_ += kInterval;
    task.look(tunnels_of(measurement_.links), now_, {});
  }
  MtuLimits limits() const {
    const auto limits = limits_.read();
    return limits != nullptr ? *limits : MtuLimits{};
  }

  support::TemporaryFolder folder_;
  StateFile state_{folder_.path(), kMtusState, {"jp1", "http://cp"}};
  MtuSettings settings_;
  TaskLedger ledger_;
  Latest<NodeReport> report_;
  Latest<Measurement> measured_;
  Latest<TunnelPaths> paths_;
  Latest<MtuLimits> limits_;
  Measurement measurement_;
  std::map<std::string, std::uint16_t> carried_{{"192.0.2.1", 1400}, {"192.0.2.2", 1500}};
  WallTime now_ = kNow;
  int told_ = 0;
};

TEST_F(AppliedMtu, IsToldWhenItChangesAndKeptOverARestart) {
  MtuTask first = task();
  search(first);
  EXPECT_EQ(limits(), (MtuLimits{{owner(1), 1340}, {owner(2), 1440}}));
  EXPECT_EQ(told_, 2) << "after each search";
  carried_["192.0.2.1"] = 1500;
  search(first);
  EXPECT_EQ(told_, 2) << "one search";

  limits_.put(MtuLimits{});
  EXPECT_EQ(kept_limits(settings_, state_), (MtuLimits{{owner(1), 1340}, {owner(2), 1440}}));
  MtuTask second = task();
  second.load();
  EXPECT_EQ(limits(), (MtuLimits{{owner(1), 1340}, {owner(2), 1440}}));
  EXPECT_EQ(told_, 2) << "nothing is another";
  search(second);
  EXPECT_EQ(limits(), (MtuLimits{{owner(1), 1440}, {owner(2), 1440}})) << "the second in a row, over the restart";
  EXPECT_EQ(told_, 3);
}

TEST_F(AppliedMtu, StaysWhileThePathIsNotKnownAndGoesWithItsSession) {
  MtuTask one = task();
  search(one);
  carried_["192.0.2.1"] = 0;
  search(one);
  measurement_.links[0].tunnel->endpoint.reset();
  search(one);
  measurement_.links.erase(measurement_.links.begin());
  search(one);
  EXPECT_EQ(limits(), (MtuLimits{{owner(1), 1340}, {owner(2), 1440}}));
  NodeReport failed;
  failed.error = Error{Errc::unavailable, "no look"};
  report_.put(failed);
  search(one);
  EXPECT_EQ(limits().size(), 2u) << "a look that failed lists nobody";
  report_.put(echoed_report({echoed_row(2, {})}));
  search(one);
  EXPECT_EQ(limits(), (MtuLimits{{owner(2), 1440}}));
}

TEST_F(AppliedMtu, IsNobodysWhereItIsOnlyAdvised) {
  MtuTask before = task();
  search(before);
  limits_.put(MtuLimits{});
  settings_.probe = MtuProbe::advise;
  EXPECT_EQ(kept_limits(settings_, state_), MtuLimits{});
  MtuTask advises = task();
  advises.load();
  search(advises);
  EXPECT_EQ(limits(), MtuLimits{});
  EXPECT_EQ(told_, 2) << "by the one before";
  EXPECT_EQ(paths_.read()->at(0).path_mtu_bytes, 1400);
}

TEST_F(AppliedMtu, WhatKeptItFromAskingIsSaidUntilTheNextSearch) {
  settings_.probe = MtuProbe::advise;
  MtuTask one(
      {ledger_, settings_, report_, measured_, paths_, limits_, state_,
       [](const IpAddress&, const std::stop_token&) -> Result<net::PathMtu> { return fail(Errc::denied, "no ICMP"); },
       [] {}});
  one.look(tunnels_of(measurement_.links), kNow, {});
  one.look(tunnels_of(measurement_.links), kNow + minutes(1), {});
  EXPECT_EQ(ledger_.records().at(std::string(kMtuTask)).failures, 2u);
}

}  // namespace
}  // namespace moenet::agent
