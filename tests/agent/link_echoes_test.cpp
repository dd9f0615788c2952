#include "agent/link_echoes.h"

#include <gtest/gtest.h>

#include "agent/echoed_report.h"
#include "agent/fake_pinger.h"

namespace moenet::agent {
namespace {

using Candidates = std::vector<IpAddress>;

TEST(EchoedLinks, AreTheSessionsInPlaceWithTheirLinkLocalFirst) {
  const NodeReport report = echoed_report({
      echoed_row(1, {{"ipv6", "fd42:1::1"}, {"ipv6LinkLocal", "fe80::1"}, {"ipv4", "172.20.1.1"}}),
      echoed_row(2, {{"ipv6", "fe80::2"}, {"ipv6LinkLocal", "fe80::998"}}),  // the latter is our own
      echoed_row(3, {{"ipv4", "172.20.3.1"}}),
      echoed_row(4, {{"ipv6", "fe80::4"}, {"ipv6LinkLocal", "fe80::4"}}),
  });
  const std::vector<EchoedLink> expected = {
      {owner(1), "dn42_1", {ip("fe80::1"), ip("fd42:1::1"), ip("172.20.1.1")}},
      {owner(2), "dn42_2", {ip("fe80::2")}},
      {owner(3), "dn42_3", {ip("172.20.3.1")}},
      {owner(4), "dn42_4", {ip("fe80::4")}},
  };
  EXPECT_EQ(echoed_links(report, kThisNode), expected);
}

TEST(EchoedLinks, LeaveOutWhatIsNotInPlace) {
  NodeReport report = echoed_report({echoed_row(1, {{"ipv6", "fe80::1"}}), echoed_row(2, {{"ipv6", "fe80::2"}})});
  SessionViews views = *report.sessions;
  views[0].condition = model::Broken{"no"};
  report.sessions = std::make_shared<const SessionViews>(views);
  ASSERT_EQ(echoed_links(report, kThisNode).size(), 1u);
  EXPECT_EQ(echoed_links(report, kThisNode)[0].owner, owner(2));
  EXPECT_TRUE(echoed_links(NodeReport{}, kThisNode).empty());
}

TEST(EchoedLinks, HoldTheLoopbacksOfTheMeshAsTheRoutesSay) {
  NodeReport report = echoed_report({echoed_row(1, {{"ipv6", "fe80::1"}})});
  add_neighbor(report, 3, "fd00:4242:7777:101:3::1", "172.22.188.3");
  add_neighbor(report, 4, "", "");
  const auto links = echoed_links(report, kThisNode);
  ASSERT_EQ(links.size(), 2u);
  EXPECT_EQ(links[0], (EchoedLink{"mesh/3", "", {ip("fd00:4242:7777:101:3::1"), ip("172.22.188.3")}}));
  EXPECT_EQ(links[1].owner, owner(1));
}

class AskLinks : public testing::Test {
 protected:
  std::vector<std::optional<LinkEchoes>> ask() {
    FakePinger pinger(far_ends_);
    auto answers =
        ask_links(pinger, links_, known_, round_, [](const std::string& name) { return name == "gone" ? 0 : 7; }, {});
    EXPECT_TRUE(answers);
    return std::move(*answers);
  }

  // It answered at `target` not long ago.
  void hear(const model::Owner& owner, const IpAddress& target = {}) {
    KnownLink& link = known_[owner];
    link.target = target;
    link.quality.bursts = 1;
    link.quality.answered = kHeard;
  }

  const WallTime kHeard = WallTime{} + std::chrono::hours(24 * 365 * 56);
  const IpAddress link_local_ = ip("fe80::1"), ipv6_ = ip("fd42:1::1"), ipv4_ = ip("172.20.1.1");
  std::vector<EchoedLink> links_{{owner(1), "dn42_1", {link_local_, ipv6_, ipv4_}}};
  KnownLinks known_;
  FarEnds far_ends_;
  EchoRound round_{{}, kHeard, {}};
};

TEST_F(AskLinks, TheFirstThatAnswersEndsIt) {
  hear(owner(1));
  far_ends_.answer(link_local_, 20);
  far_ends_.answer(ipv6_, 30);
  const auto answers = ask();
  ASSERT_TRUE(answers.at(0));
  EXPECT_EQ(answers[0]->target, link_local_);
  EXPECT_EQ(answers[0]->echoes.median, std::chrono::milliseconds(20));
  ASSERT_EQ(far_ends_.asked.size(), 1u);
  EXPECT_EQ(far_ends_.asked[0].at(0).interface_index, 7);
}

TEST_F(AskLinks, OthersAreTriedInTheirOrderAndAllThroughTheLink) {
  hear(owner(1));
  far_ends_.answer(ipv4_, 20);
  EXPECT_EQ(ask().at(0)->target, ipv4_);
  ASSERT_EQ(far_ends_.asked.size(), 3u);
  EXPECT_EQ(far_ends_.asked[1].at(0).address, ipv6_);
  for (const auto& targets : far_ends_.asked) EXPECT_EQ(targets.at(0).interface_index, 7);
}

TEST_F(AskLinks, WhoAnsweredLastIsAskedFirst) {
  far_ends_.answer(ipv6_, 20);
  hear(owner(1), ipv6_);
  EXPECT_EQ(ask().at(0)->target, ipv6_);
  EXPECT_EQ(far_ends_.asked.size(), 1u);
  far_ends_.answers.clear();
  const auto answers = ask();
  ASSERT_TRUE(answers.at(0));
  EXPECT_FALSE(answers[0]->echoes.median);
  Candidates asked;
  for (const auto& targets : far_ends_.asked) asked.push_back(targets.at(0).address);
  EXPECT_EQ(asked, (Candidates{ipv6_, ipv6_, link_local_, ipv4_}));
}

TEST_F(AskLinks, OnlyTheSilentAreAskedAgain) {
  links_.push_back({owner(2), "dn42_2", {ip("fe80::2"), ip("fd42:2::1")}});
  links_.push_back({owner(3), "gone", {ip("fe80::3")}});
  links_.push_back({"mesh/3", "", {ip("fd00::3")}});
  for (int number : {1, 2, 3}) hear(owner(number));
  far_ends_.answer(link_local_, 20);
  far_ends_.answer(ip("fd42:2::1"), 30);
  far_ends_.answer(ip("fd00::3"), 40);
  const auto answers = ask();
  EXPECT_EQ(answers.at(1)->target, ip("fd42:2::1"));
  EXPECT_FALSE(answers.at(2)) << "its interface is gone";
  EXPECT_EQ(answers.at(3)->target, ip("fd00::3"));
  ASSERT_EQ(far_ends_.asked.size(), 2u);
  EXPECT_EQ(far_ends_.asked[0].size(), 3u);
  EXPECT_EQ(far_ends_.asked[0][2].interface_index, 0);
  EXPECT_EQ(far_ends_.asked[1].size(), 1u);
}

TEST_F(AskLinks, ASilentNeighborGetsItsBurstWhereItAnswersASingleEcho) {
  far_ends_.answer(ipv6_, 20);
  const auto answers = ask();
  ASSERT_TRUE(answers.at(0));
  EXPECT_EQ(answers[0]->target, ipv6_);
  EXPECT_EQ(answers[0]->echoes.median, std::chrono::milliseconds(20));
  Candidates asked;
  for (const auto& targets : far_ends_.asked) asked.push_back(targets.at(0).address);
  EXPECT_EQ(asked, (Candidates{link_local_, ipv6_, ipv6_}));
  ASSERT_EQ(far_ends_.plans.size(), 3u);
  EXPECT_EQ(far_ends_.plans[0].count, 1u);
  EXPECT_EQ(far_ends_.plans[1].count, 1u);
  EXPECT_EQ(far_ends_.plans[2].count, round_.burst.count);
}

TEST_F(AskLinks, WhoHasNotAnsweredOfLateIsSilent) {
  hear(owner(1), ipv6_);
  round_.heard_since = kHeard + std::chrono::seconds(1);
  const auto answers = ask();
  ASSERT_TRUE(answers.at(0)) << "asked, and unknown";
  EXPECT_FALSE(answers[0]->echoes.median);
  EXPECT_EQ(far_ends_.asked.at(0).at(0).address, ipv6_) << "first where it answered last";
  EXPECT_EQ(far_ends_.plans.size(), 3u);
  for (const net::EchoPlan& plan : far_ends_.plans) EXPECT_EQ(plan.count, 1u);
}

TEST_F(AskLinks, ANodeOfOursIsNeverSilent) {
  links_ = {{"mesh/3", "", {ip("fd00::3")}}};
  EXPECT_FALSE(ask().at(0)->echoes.median);
  ASSERT_EQ(far_ends_.plans.size(), 1u);
  EXPECT_EQ(far_ends_.plans[0].count, round_.burst.count);
}

TEST_F(AskLinks, WhatIsAskedOnTheLinkItselfSaysFromWhom) {
  round_.link_local = ip("fe80::998");
  EXPECT_FALSE(ask().at(0)->echoes.median);
  ASSERT_EQ(far_ends_.asked.size(), 3u);
  EXPECT_EQ(far_ends_.asked[0].at(0).source, ip("fe80::998"));
  EXPECT_EQ(far_ends_.asked[1].at(0).source, std::nullopt) << "as the routes say";
  EXPECT_EQ(far_ends_.asked[2].at(0).source, std::nullopt);
}

TEST_F(AskLinks, OfManySomeAreAskedAfterTheOthers) {
  links_.clear();
  for (int number = 1; number <= 2001; ++number) links_.push_back({owner(number), "dn42", {ipv4_}});
  links_.back().candidates = {ipv6_};
  far_ends_.answer(ipv6_, 20);
  round_.span = std::chrono::milliseconds(2001 * 2);
  const auto answers = ask();
  ASSERT_EQ(answers.size(), 2001u);
  EXPECT_FALSE(answers[0]->echoes.median);
  EXPECT_TRUE(answers[2000]->echoes.median);
  ASSERT_EQ(far_ends_.asked.size(), 3u) << "a single echo to each, and the burst where one was answered";
  EXPECT_EQ(far_ends_.asked[0].size(), 2000u);
  EXPECT_EQ(far_ends_.asked[1].size(), 1u);
  for (const std::size_t part : {0u, 1u}) EXPECT_EQ(far_ends_.plans[part].pace, std::chrono::milliseconds(2)) << part;
}

TEST_F(AskLinks, ManyAreSpreadOverTheSpan) {
  const auto pace_of = [this](int links) {
    far_ends_.plans.clear();
    links_.clear();
    for (int number = 1; number <= links; ++number) links_.push_back({owner(number), "dn42", {ipv4_}});
    ask();
    return far_ends_.plans.at(0).pace;
  };
  round_.span = std::chrono::seconds(1);
  EXPECT_EQ(pace_of(500), std::chrono::milliseconds(2));
  EXPECT_EQ(pace_of(10), kSlowestPace);
  EXPECT_EQ(pace_of(5000), net::EchoPlan{}.pace) << "no faster than a single one";
}

}  // namespace
}  // namespace moenet::agent
