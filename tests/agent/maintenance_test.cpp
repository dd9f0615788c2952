#include "agent/maintenance.h"

#include <algorithm>

#include <boost/json.hpp>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "agent/maintenance_keeper.h"
#include "base/file.h"
#include "support/temporary_folder.h"

namespace moenet::agent {
namespace {

using std::chrono::seconds;
using Names = std::vector<std::string>;

constexpr auto kOff = MaintenancePhase::off;
constexpr auto kDraining = MaintenancePhase::draining;
constexpr auto kDrained = MaintenancePhase::drained;
constexpr auto kDown = MaintenancePhase::down;

const WallTime kBegun{seconds(1'800'000'000)};

// `at`: seconds since maintenance began.
MaintenanceLook look_at(int at, std::optional<std::uint64_t> preferred, bool in_force = true, Names shut = {}) {
  MaintenanceLook look;
  look.now = SteadyTime(seconds(1000 + at));
  look.wall = kBegun + seconds(at);
  look.policy_in_place = in_force;
  look.sessions = {"dn42_1", "dn42_2"};
  look.shut_protocols = std::move(shut);
  look.preferred = preferred;
  return look;
}

Maintenance draining(MaintenanceOptions options = {}) {
  Maintenance maintenance;
  EXPECT_TRUE(maintenance.start(options, kBegun));
  return maintenance;
}

MaintenancePhase after(Maintenance& maintenance, const MaintenanceLook& look) {
  maintenance.look(look);
  return maintenance.record().phase;
}

// Others have had their time, 5 s after maintenance began.
Maintenance asked() {
  Maintenance maintenance = draining();
  maintenance.look(look_at(0, 7));
  maintenance.look(look_at(5, 7));
  EXPECT_EQ(maintenance.drain(), bird::Drain::leaves);
  return maintenance;
}

TEST(Maintenance, LeavesItsOwnWaysWhenOthersHadTimeToLeaveThem) {
  Maintenance maintenance;
  EXPECT_EQ(maintenance.drain(), bird::Drain::off);
  maintenance = draining();
  for (const auto& [at, in_force] : {std::pair(0, false), std::pair(10, true), std::pair(14, true)}) {
    EXPECT_EQ(after(maintenance, look_at(at, 0, in_force)), kDraining) << at;
    EXPECT_EQ(maintenance.drain(), bird::Drain::asks) << at;
  }
  EXPECT_EQ(after(maintenance, look_at(15, 0)), kDraining);
  EXPECT_EQ(maintenance.drain(), bird::Drain::leaves);
}

TEST(Maintenance, HasDrainedWhenNothingIsPreferredAndItsOwnWaysHadTimeToMove) {
  Maintenance maintenance = asked();
  EXPECT_EQ(after(maintenance, look_at(6, 0, false)), kDraining) << "BIRD does not run it yet";
  EXPECT_EQ(after(maintenance, look_at(10, 0)), kDraining);
  EXPECT_EQ(after(maintenance, look_at(11, 0)), kDraining);
  EXPECT_FALSE(maintenance.is_settled());
  EXPECT_EQ(after(maintenance, look_at(12, 0)), kDrained);
  EXPECT_TRUE(maintenance.is_settled());
  EXPECT_EQ(maintenance.preferred(), 0u);
  EXPECT_EQ(maintenance.drain(), bird::Drain::leaves);
}

TEST(Maintenance, RoutesWithoutAnAlternativeDoNotHoldItUp) {
  Maintenance maintenance = asked();
  EXPECT_EQ(after(maintenance, look_at(6, 40)), kDraining);
  EXPECT_EQ(after(maintenance, look_at(9, 7)), kDraining);
  EXPECT_EQ(after(maintenance, look_at(13, 7)), kDraining) << "the number stands still for 4 s";
  EXPECT_EQ(after(maintenance, look_at(14, 7)), kDrained);
  EXPECT_EQ(after(maintenance, look_at(25, 6)), kDrained);
  EXPECT_EQ(maintenance.preferred(), 6u);
}

TEST(Maintenance, QuietCountsFromWhenBirdRunsTheDrain) {
  Maintenance maintenance = asked();
  for (int at = 6; at < 30; ++at) EXPECT_EQ(after(maintenance, look_at(at, 7, false)), kDraining) << at;
  EXPECT_EQ(after(maintenance, look_at(30, 7)), kDraining);
  EXPECT_EQ(after(maintenance, look_at(34, 7, false)), kDraining) << "BIRD was away: it begins again";
  EXPECT_EQ(after(maintenance, look_at(35, 7)), kDraining);
  EXPECT_EQ(after(maintenance, look_at(39, 7)), kDraining);
  EXPECT_EQ(after(maintenance, look_at(40, 7)), kDrained);
}

TEST(Maintenance, CallsOthersAgainWhenItHasItsOwnWays) {
  Maintenance maintenance = asked();
  maintenance.stop();
  EXPECT_EQ(after(maintenance, look_at(10, {}, false)), kOff);
  EXPECT_EQ(after(maintenance, look_at(11, {})), kOff);
  EXPECT_EQ(after(maintenance, look_at(12, {})), kOff);
  EXPECT_EQ(maintenance.drain(), bird::Drain::asks);
  EXPECT_EQ(after(maintenance, look_at(13, {})), kOff);
  EXPECT_EQ(maintenance.drain(), bird::Drain::off);
  EXPECT_FALSE(maintenance.is_settled()) << "BIRD does not run that yet";
  maintenance.look(look_at(14, {}));
  EXPECT_TRUE(maintenance.is_settled());

  maintenance = draining();
  maintenance.stop();
  EXPECT_EQ(maintenance.drain(), bird::Drain::off) << "it never left";
}

TEST(Maintenance, TheTimeoutEndsDrainingWhateverBirdShows) {
  for (const bool in_force : {false, true}) {
    Maintenance maintenance = draining({seconds(30), false, ""});
    for (int at = 0; at < 30; ++at)
      EXPECT_EQ(after(maintenance, look_at(at, static_cast<unsigned>(100 + at), in_force)), kDraining);
    EXPECT_EQ(after(maintenance, look_at(30, std::nullopt, in_force)), kDrained);
  }
}

TEST(Maintenance, AClockThatIsSetBackDoesNotDrainForEver) {
  Maintenance maintenance = draining({seconds(30), false, ""});
  auto look = look_at(0, std::nullopt, false);
  look.wall -= std::chrono::hours(48);
  EXPECT_EQ(after(maintenance, look), kDraining);
  look.wall += seconds(30);
  EXPECT_EQ(after(maintenance, look), kDrained);
}

TEST(Maintenance, ShutsWhatIsUpAndBringsUpThatAlone) {
  Maintenance maintenance = draining({seconds(0), true, "back soon"});
  EXPECT_EQ(after(maintenance, look_at(1, 5, true, {"dn42_2"})), kDown);
  EXPECT_EQ(maintenance.record().switches(), (model::SessionSwitches{{"dn42_1"}, {}, {}, "back soon"}));
  EXPECT_FALSE(maintenance.is_settled());
  EXPECT_EQ(after(maintenance, look_at(2, 0, true, {"dn42_1", "dn42_2"})), kDown);
  EXPECT_TRUE(maintenance.is_settled());
  auto look = look_at(3, 0, true, {"dn42_1", "dn42_2"});
  look.sessions.push_back("dn42_3");  // approved meanwhile
  EXPECT_EQ(after(maintenance, look), kDown);
  EXPECT_FALSE(maintenance.is_settled());
  EXPECT_EQ(maintenance.record().shut, (Names{"dn42_1", "dn42_3"}));

  maintenance.stop();
  EXPECT_EQ(maintenance.record().switches(), (model::SessionSwitches{{}, {"dn42_1", "dn42_3"}, {}, ""}));
  EXPECT_EQ(after(maintenance, look_at(4, {}, false)), kOff);
  EXPECT_EQ(maintenance.record().shut.size(), 2u) << "BIRD is away: nothing is known of them";
  EXPECT_EQ(after(maintenance, look_at(5, {}, true, {"dn42_2", "dn42_3"})), kOff);
  EXPECT_EQ(maintenance.record().shut, Names{"dn42_3"});
  EXPECT_FALSE(maintenance.is_settled());
  EXPECT_EQ(after(maintenance, look_at(7, {}, true, {"dn42_2"})), kOff);
  EXPECT_TRUE(maintenance.record().switches().reopen.empty());
  EXPECT_EQ(after(maintenance, look_at(8, {}, true, {"dn42_2"})), kOff);
  EXPECT_TRUE(maintenance.is_settled());
}

TEST(Maintenance, StartedAgainItTakesTheNewOptions) {
  Maintenance maintenance = draining({seconds(0), false, ""});
  EXPECT_EQ(after(maintenance, look_at(1, 0)), kDrained);
  ASSERT_TRUE(maintenance.start({seconds(0), true, "now really"}, kBegun + seconds(60)));
  EXPECT_EQ(maintenance.record().since, std::chrono::sys_seconds(seconds(1'800'000'000)));
  EXPECT_FALSE(maintenance.is_settled());
  EXPECT_EQ(after(maintenance, look_at(61, 0)), kDown);
  const auto refused = maintenance.start({seconds(0), false, ""}, kBegun + seconds(70));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::conflict);
  EXPECT_EQ(maintenance.record().options.message, "now really");
}

// Whatever is looked at and asked for: what BIRD was told to hold down is brought up again, and nothing else is.
RC_GTEST_PROP(Maintenance, NoSessionStaysDownThatItShut, ()) {
  Maintenance maintenance;
  Names shut_by_hand, held;  // in BIRD
  for (int at = 0; at < 40; ++at) {
    const auto what = *rc::gen::inRange(0, 8);
    if (what == 0) (void)maintenance.start({seconds(0), *rc::gen::arbitrary<bool>(), ""}, kBegun + seconds(at));
    if (what == 1) maintenance.stop();
    if (what == 2) held.clear();  // BIRD was restarted
    if (what == 3) maintenance = Maintenance(read_maintenance(write_maintenance(maintenance.record())).value());
    const auto switches = maintenance.record().switches();
    for (const auto& name : switches.shut) {
      if (!std::ranges::binary_search(held, name)) held.insert(std::ranges::lower_bound(held, name), name);
    }
    for (const auto& name : switches.reopen) std::erase(held, name);
    maintenance.look(look_at(at, {}, *rc::gen::inRange(0, 4) != 0, held));
  }
  maintenance.stop();
  for (const auto& name : maintenance.record().switches().reopen) std::erase(held, name);
  for (const int at : {41, 43, 44}) maintenance.look(look_at(at, {}, true, held));
  RC_ASSERT(held == Names());
  RC_ASSERT(maintenance.is_settled());
}

RC_GTEST_PROP(MaintenanceRecord, IsReadAsItWasWritten, ()) {
  MaintenanceRecord record;
  record.phase = *rc::gen::element(kOff, kDraining, kDrained, kDown);
  record.since = std::chrono::sys_seconds(seconds(*rc::gen::inRange(0, 2'000'000'000)));
  record.options = {seconds(*rc::gen::inRange(0, 86'401)), *rc::gen::arbitrary<bool>(),
                    *rc::gen::element<std::string>("", "é \\ '")};
  for (const auto asn : *rc::gen::unique<std::vector<std::uint32_t>>(rc::gen::arbitrary<std::uint32_t>()))
    record.shut.push_back("dn42_" + std::to_string(asn));
  std::ranges::sort(record.shut);
  RC_ASSERT(read_maintenance(write_maintenance(record)).value() == record);
}

TEST(MaintenanceRecord, IsCheckedLikeAnythingFromOutside) {
  for (const char* bad : {"", "{}", "[]", R"({"state":"on"})", R"({"state":"down","message":"a\"b"})",
                          R"({"state":"off","timeout_seconds":1e9})"}) {
    EXPECT_FALSE(read_maintenance(bad)) << bad;
  }
  const auto record =
      read_maintenance(R"({"state":"down","shut_sessions":["dn42_2","x\" all","dn42_","dn42_1",7,"dn42_1"]})");
  ASSERT_TRUE(record);
  EXPECT_EQ(record->shut, (Names{"dn42_1", "dn42_2"}));
}

class Keeper : public testing::Test {
 protected:
  MaintenanceKeeper keeper(bool is_possible = true) { return {folder_.path(), is_possible, view_}; }
  std::string file() const { return folder_ / "maintenance.state"; }

  support::TemporaryFolder folder_;
  Latest<MaintenanceView> view_;
};

TEST_F(Keeper, RemembersWhatItIsAboutToShutBeforeItWantsIt) {
  auto first = keeper();
  ASSERT_TRUE(first.start({seconds(0), true, "m"}, kBegun));
  EXPECT_EQ(view_.read()->record.phase, kDraining);
  first.look(look_at(1, 0));
  EXPECT_EQ(first.switches().shut.size(), 2u);
  auto second = keeper();  // as after a crash
  EXPECT_EQ(second.switches(), first.switches());
  EXPECT_TRUE(second.is_draining());
  ASSERT_TRUE(second.stop());
  EXPECT_EQ(keeper().switches().reopen.size(), 2u);
}

TEST_F(Keeper, RefusesWhereThePolicyIsTheOperatorsAndEndsWhatIsOn) {
  ASSERT_TRUE(keeper().start({}, kBegun));
  auto other = keeper(false);
  EXPECT_FALSE(other.is_draining());
  const auto refused = other.start({}, kBegun);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::conflict);
  EXPECT_NE(refused.error().what.find("bird.ownership"), std::string::npos);
  EXPECT_FALSE(keeper().is_draining()) << "it ended for good";
}

TEST_F(Keeper, AFileThatIsBrokenCountsAsNone) {
  ASSERT_TRUE(atomic_write_file(file(), "\x01\x02", 0600));
  EXPECT_FALSE(keeper().is_draining());
  ASSERT_TRUE(keeper().start({}, kBegun));
  EXPECT_TRUE(keeper().is_draining());
}

TEST_F(Keeper, WhatCannotBeKeptDoesNotBegin) {
  ASSERT_TRUE(make_folder(file(), 0700));  // nothing can be renamed over a folder
  auto broken = keeper();
  EXPECT_FALSE(broken.start({}, kBegun));
  EXPECT_FALSE(broken.is_draining());
}

TEST(MaintenanceDocument, SaysWhatIsUnderWay) {
  MaintenanceView view{draining({seconds(60), true, "m"}).record(), false, 7};
  EXPECT_EQ(
      boost::json::serialize(maintenance_document(view)),
      R"({"state":"draining","since":"2027-01-15T08:00:00Z","settled":false,"preferred_routes":7,"shutdown":true,)"
      R"("message":"m","timeout_seconds":60,"shut_sessions":[]})");
  EXPECT_EQ(boost::json::serialize(maintenance_document({})),
            R"({"state":"off","since":null,"settled":false,"preferred_routes":null,"shutdown":false,)"
            R"("message":"","timeout_seconds":120,"shut_sessions":[]})");
}

}  // namespace
}  // namespace moenet::agent
