#include "agent/meter.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "agent/measured.h"
#include "bird/render.h"

namespace moenet::agent {
namespace {

using namespace testing;
using std::chrono::seconds;

const SteadyTime kStart{std::chrono::hours(1)};
const WallTime kWall{std::chrono::hours(1000)};

// A node with session AS1, measured again and again.
class MeterTest : public ::testing::Test {
 protected:
  Measurement look(SteadyTime now, std::vector<bird::ProtocolDetail> protocols, std::string bird_problem = "") {
    return meter_.measure({links_, [&](const std::string&) { return tunnel_; }, sessions_, std::move(protocols),
                           std::move(bird_problem), kWall, now, shut_});
  }
  LinkMeasurement first(SteadyTime now, std::vector<bird::ProtocolDetail> protocols, std::string bird_problem = "") {
    return look(now, std::move(protocols), std::move(bird_problem)).links.at(0);
  }

  SessionViews sessions_{session_view(1)};
  std::vector<net::CountedLink> links_{counted_link(1, 5)};
  std::optional<TunnelState> tunnel_ = TunnelState{seconds(9), std::nullopt, 1, 2};
  std::vector<std::string> shut_;
  Meter meter_;
};

TEST_F(MeterTest, JoinsWhatLinkTunnelAndBirdSayOfASession) {
  links_.push_back(counted_link(2, 6));
  links_.back().link.alias = "moenet-agent mesh/2";
  sessions_.push_back(session_view(3, model::Broken{"port in use"}));
  sessions_.push_back(session_view(4, model::Removed{}));
  bird::ProtocolDetail ibgp = established(9);
  ibgp.status.name = "ibgp_2";
  bird::ProtocolDetail kernel;
  kernel.status.proto = "Kernel";
  const Measurement all = look(kStart, {ibgp, established(1), kernel});
  ASSERT_EQ(all.links.size(), 3u) << "one that was removed is none";
  EXPECT_EQ(all.links[0].owner, "mesh/2");
  EXPECT_FALSE(all.links[0].bgp);
  const LinkMeasurement& session = all.links[1];
  EXPECT_EQ(session.owner, "session/" + uuid_of(1));
  EXPECT_EQ(session.asn, 1u);
  EXPECT_TRUE(session.has_link && session.is_up);
  EXPECT_EQ(session.mtu_bytes, 1420u);
  EXPECT_EQ(session.tunnel, tunnel_);
  ASSERT_TRUE(session.bgp);
  EXPECT_EQ(session.bgp->channels.at(0).imported, 7u);
  EXPECT_FALSE(all.links[2].has_link);
  EXPECT_FALSE(all.links[2].bgp);
  ASSERT_EQ(all.other_bgp.size(), 1u);
  EXPECT_EQ(all.other_bgp[0].status.name, "ibgp_2");
}

TEST_F(MeterTest, TakesTheHeaderOfAGreLink) {
  links_[0].link.gre.emplace().remote = IpAddress::parse("192.0.2.7").value();
  tunnel_.reset();
  const LinkMeasurement session = first(kStart, {established(1)});
  EXPECT_EQ(session.gre, links_[0].link.gre);
  EXPECT_FALSE(session.tunnel);
}

TEST_F(MeterTest, SessionsFindTheirProtocolsInWhateverOrderTheyStand) {
  std::vector<model::Asn> numbers{1, 2, 3, 4, 5};
  do {
    sessions_.clear();
    for (model::Asn place = 1; place <= 5; ++place) {  // sorted by uuid; AS numbers stand as they like
      sessions_.push_back(session_view(place));
      sessions_.back().asn = numbers[place - 1];
    }
    const Measurement all =
        look(kStart, {established(1), established(2), established(3), established(4), established(5)});
    for (const LinkMeasurement& session : all.links) {
      ASSERT_TRUE(session.bgp) << "AS" << session.asn;
      EXPECT_EQ(session.bgp->status.name, "dn42_" + std::to_string(session.asn));
    }
    EXPECT_TRUE(all.other_bgp.empty());
  } while (std::ranges::next_permutation(numbers).found);
}

TEST_F(MeterTest, NothingIsKnownOfTheRoutesOfASessionThatIsDownButTheLimitThatWasHit) {
  bird::ProtocolDetail down = not_established(1);
  down.channels = established(1).channels;
  down.channels[0].import_limit = bird::ChannelLimit{9000, false, "disable"};
  EXPECT_TRUE(first(kStart, {down}).bgp->channels.empty()) << "as after a brief look";
  down.channels[0].import_limit->is_hit = true;
  EXPECT_TRUE(first(kStart, {down}).bgp->channels.empty()) << "it is down for another reason";
  down.last_error = "Automatic shutdown: Route limit exceeded";
  EXPECT_EQ(first(kStart, {down}).bgp->channels.size(), 1u);
  EXPECT_EQ(first(kStart, {established(1)}).bgp->channels.size(), 1u);
}

TEST_F(MeterTest, RatesAreOverTheTimeBetweenTwoCounts) {
  net::LinkStatistics counted;
  counted.rx_bytes = 1000;
  counted.tx_bytes = 500;
  links_ = {counted_link(1, 5, counted)};
  EXPECT_FALSE(first(kStart, {}).rate) << "one count is no rate";
  links_ = {counted_link(1, 5)};
  EXPECT_EQ(first(kStart + seconds(10), {}).traffic->rx_bytes, 1000u) << "a brief look keeps what was counted last";
  counted.rx_bytes += 60'000;
  links_ = {counted_link(1, 5, counted)};
  const auto rate = first(kStart + seconds(60), {}).rate;
  ASSERT_TRUE(rate);
  EXPECT_DOUBLE_EQ(rate->rx_bits_per_second, 8000);
  EXPECT_DOUBLE_EQ(rate->tx_bits_per_second, 0);
  links_ = {counted_link(1, 6, counted)};
  EXPECT_FALSE(first(kStart + seconds(120), {}).rate) << "another link of the same name";
  counted.rx_bytes = 1;
  links_ = {counted_link(1, 6, counted)};
  EXPECT_FALSE(first(kStart + seconds(180), {}).rate) << "counters that began anew";
}

TEST_F(MeterTest, CountsEachLossOfBgpOnce) {
  EXPECT_EQ(first(kStart, {not_established(1)}).flaps, 0u) << "what never came up was not lost";
  EXPECT_EQ(first(kStart + seconds(10), {established(1)}).flaps, 0u);
  EXPECT_EQ(first(kStart + seconds(25), {established(1)}).established_for, seconds(15));
  const auto lost = first(kStart + seconds(30), {not_established(1)});
  EXPECT_EQ(lost.flaps, 1u);
  EXPECT_FALSE(lost.established_for);
  EXPECT_EQ(first(kStart + seconds(40), {not_established(1)}).flaps, 1u);
  EXPECT_EQ(first(kStart + seconds(50), {established(1, "10:07:00.000")}).flaps, 1u);
  const auto between = first(kStart + seconds(60), {established(1, "10:07:55.000")});
  EXPECT_EQ(between.flaps, 2u) << "lost and back between two looks";
  EXPECT_EQ(between.established_for, seconds(0));
}

TEST_F(MeterTest, WhatMaintenanceShutIsNoFlap) {
  sessions_ = {session_view(1), session_view(2)};
  look(kStart, {established(1), established(2)});
  shut_ = {bird::protocol_name(1)};
  const Measurement shut = look(kStart + seconds(10), {not_established(1), not_established(2)});
  EXPECT_EQ(shut.links.at(0).flaps, 0u);
  EXPECT_FALSE(shut.links.at(0).established_for);
  EXPECT_EQ(shut.links.at(1).flaps, 1u) << "of another that fell meanwhile it is one";
  shut_.clear();
  look(kStart + seconds(20), {established(1, "11:00:00.000"), established(2, "11:00:00.000")});
  const Measurement lost = look(kStart + seconds(30), {not_established(1), not_established(2)});
  EXPECT_EQ(lost.links.at(0).flaps, 1u) << "and later losses count again";
}

TEST_F(MeterTest, WhoComesAndGoesTakesNobodysFlaps) {
  sessions_ = {session_view(2), session_view(4)};
  look(kStart, {established(2), established(4)});
  look(kStart + seconds(1), {established(2)});
  sessions_ = {session_view(1), session_view(2), session_view(3), session_view(4)};
  const Measurement more = look(kStart + seconds(2), {established(1), established(2), established(3), established(4)});
  ASSERT_EQ(more.links.size(), 4u);
  for (const LinkMeasurement& link : more.links) EXPECT_EQ(link.flaps, link.asn == 4 ? 1u : 0u) << link.asn;
  sessions_ = {session_view(3), session_view(4)};
  const Measurement fewer = look(kStart + seconds(3), {established(3), established(4)});
  EXPECT_EQ(fewer.links.back().flaps, 1u);
  EXPECT_EQ(fewer.links.back().established_for, seconds(1));
}

TEST_F(MeterTest, AnOwnerIsOneTextInAllMeasurements) {
  const LinkMeasurement before = first(kStart, {});
  const LinkMeasurement after = first(kStart + seconds(1), {});
  EXPECT_EQ(after.owner, model::owner_of_session(uuid_of(1)));
  EXPECT_EQ(static_cast<const void*>(after.owner.view().data()), static_cast<const void*>(before.owner.view().data()));
}

TEST_F(MeterTest, ABirdThatIsAwayLosesNothing) {
  first(kStart, {established(1)});
  const auto away = first(kStart + seconds(10), {}, "connect: no such file");
  EXPECT_EQ(away.flaps, 0u);
  EXPECT_FALSE(away.bgp);
  EXPECT_FALSE(away.established_for) << "nobody knows";
  const auto back = first(kStart + seconds(20), {established(1)});
  EXPECT_EQ(back.flaps, 0u);
  EXPECT_EQ(back.established_for, seconds(20));
}

TEST(Since, IsAnotherMomentOrTheSameInOtherWords) {
  EXPECT_FALSE(is_another_since("10:00:00.123", "10:00:00.122")) << "BIRD rounds";
  EXPECT_TRUE(is_another_since("10:00:00.123", "10:00:01.123"));
  EXPECT_FALSE(is_another_since("10:00:00.123", "2026-11-29")) << "it aged";
  EXPECT_TRUE(is_another_since("2026-11-29", "09:00:00.000")) << "a date does not become a time";
  EXPECT_TRUE(is_another_since("2026-11-29", "2026-11-30"));
  EXPECT_TRUE(is_another_since("2026-11-29 10:00:00", "2026-11-29 10:00:05"));
}

TEST(BriefLook, KeepsRoutesOfWhatIsStillUp) {
  Measurement last;
  last.links.emplace_back().bgp = established(1);
  last.links.emplace_back().bgp = established(2);
  last.links.emplace_back().bgp = established(3);
  last.other_bgp.push_back(established(4));
  const auto details = brought_up_to_date(
      &last, {protocol_status(1, "up", "10:00:00.001", "Established"),
              protocol_status(2, "start", "10:06:00.000", "Active        Received: Administrative shutdown"),
              protocol_status(3, "up", "10:06:00.000", "Established"),
              protocol_status(4, "up", "10:00:00.000", "Established"),
              protocol_status(5, "start", "10:06:00.000", "Connect"),
              {"device1", "Device", "---", "up", "10:00:00.000", ""}});
  ASSERT_EQ(details.size(), 5u);
  EXPECT_EQ(details[0].channels.size(), 1u);
  EXPECT_EQ(details[1].bgp_state, "Active");
  EXPECT_EQ(details[1].last_error, "Received: Administrative shutdown");
  EXPECT_TRUE(details[1].channels.empty());
  EXPECT_TRUE(details[2].channels.empty()) << "up again: its routes are not known yet";
  EXPECT_EQ(details[3].channels.size(), 1u);
  EXPECT_EQ(details[4].bgp_state, "Connect");
  EXPECT_EQ(brought_up_to_date(nullptr, {protocol_status(1, "up", "1", "Established")}).at(0).bgp_state, "Established");
}

}  // namespace
}  // namespace moenet::agent
