// The Store's contract: series, what they cost, and how they grow old.
#include <cmath>

#include <gtest/gtest.h>

#include "controlplane/store_fixture.h"

namespace moenet::controlplane {
namespace {

using testing::must;

constexpr UnixSeconds kStart = 1'700'006'400;  // a block of both resolutions begins
static_assert(kStart % kCoarseSeconds == 0);
constexpr UnixSeconds kDay = 86'400;

class StoreSamples : public testing::StoreTest {
 protected:
  // What a node with a busy session tells, `minute` by `minute`.
  static Reading busy(UnixSeconds at) {
    const UnixSeconds age = at - kStart;
    Reading reading;
    reading.at = at;
    reading.up = age % 7'000 < 60 ? 0 : 1;
    reading.rtt_us = 140'000 + age * 7 % 30'000;
    reading.loss_permille = age % 11;
    reading.rx_bytes = age * 12'500'000 + age % 1'000;  // 100 Mbit/s
    reading.tx_bytes = age * 6'250'000;
    reading.routes_in = 900 + age % 50;
    reading.routes_out = 1'100;
    return reading;
  }
  // For tests with a twelfth of the looks: the sums of its slots are as long as those of a busy one's.
  static Reading heavy(UnixSeconds at) {
    Reading reading = busy(at);
    reading.rtt_us *= 12;
    reading.loss_permille *= 12;
    reading.rx_bytes *= 12;
    reading.tx_bytes *= 12;
    return reading;
  }
  std::vector<SessionReport> report_of(const std::vector<StoredSession>& rows, UnixSeconds at) {
    std::vector<SessionReport> reports;
    for (const StoredSession& row : rows) {
      reports.push_back({"dn42_" + std::to_string(row.asn), "{}", at * 1'000, row.uuid, busy(at)});
    }
    return reports;
  }
  void tell(NodeId node, const StoredSession& row, UnixSeconds at) {
    must(store_->record_reports(node, report_of({row}, at), Store::Reports::replace));
  }
  std::size_t tidy(UnixSeconds now) {
    std::size_t all = 0;
    while (const std::size_t some = must(store_->tidy_samples(now * 1'000, 50))) all += some;
    return all;
  }
};
INSTANTIATE_TEST_SUITE_P(All, StoreSamples, ::testing::ValuesIn(testing::database_kinds()), testing::name_of_kind);

TEST_P(StoreSamples, KeepWhatReportsTell) {
  const NodeId jp = add("jp1");
  const StoredSession session = must(store_->add_session(testing::kTester, row(jp, 1)));
  for (UnixSeconds at = kStart; at < kStart + 1'800; at += 60) tell(jp, session, at);
  const Slots slots = must(store_->slots_of_session(session.uuid, Span::day));
  ASSERT_EQ(slots.size(), 6u);
  const Slot& second = std::next(slots.begin())->second;
  EXPECT_EQ(second.looks, 5);
  EXPECT_EQ(second.counted_seconds, 300);
  EXPECT_NEAR(static_cast<double>(second.rx_bytes) / 300, 12'500'000, 10);
  EXPECT_EQ(must(store_->slots_of_session(session.uuid, Span::quarter)), coarse(slots));
  EXPECT_EQ(store_->counters().readings_taken, 30u);
}

TEST_P(StoreSamples, CountARepeatedReportOnceAndALateOneToo) {
  const NodeId jp = add("jp1");
  const StoredSession session = must(store_->add_session(testing::kTester, row(jp, 1)));
  const auto arrives = [&](UnixSeconds measured, UnixSeconds at) {
    auto reports = report_of({session}, measured);
    reports.front().at = at * 1'000;
    must(store_->record_reports(jp, reports, Store::Reports::replace));
  };
  arrives(kStart + 60, kStart + 60);
  arrives(kStart + 180, kStart + 180);
  arrives(kStart + 120, kStart + 200);
  for (int i = 0; i < 3; ++i) arrives(kStart + 120, kStart + 210 + i);
  arrives(kStart - 301, kStart + 220);
  const Slots slots = must(store_->slots_of_session(session.uuid, Span::day));
  ASSERT_EQ(slots.size(), 1u);
  EXPECT_EQ(slots.begin()->second.looks, 3);
  EXPECT_EQ(slots.begin()->second.counted_seconds, 120);
  EXPECT_EQ(store_->counters().readings_ignored, 4u);
}

TEST_P(StoreSamples, FindASessionOfAnOlderAgentByItsAsn) {
  const NodeId jp = add("jp1");
  const StoredSession session = must(store_->add_session(testing::kTester, row(jp, 42)));
  must(store_->record_reports(jp, {{"dn42_42", "{}", kStart * 1'000, "", busy(kStart)}}, Store::Reports::replace));
  EXPECT_EQ(must(store_->slots_of_session(session.uuid, Span::day)).size(), 1u);
}

TEST_P(StoreSamples, TakeNothingOfAnotherNodesSession) {
  const NodeId jp = add("jp1");
  const NodeId de = add("de1");
  const StoredSession session = must(store_->add_session(testing::kTester, row(de, 1)));
  tell(jp, session, kStart);
  EXPECT_TRUE(must(store_->slots_of_session(session.uuid, Span::day)).empty());
  EXPECT_EQ(store_->counters().readings_ignored, 1u);
}

TEST_P(StoreSamples, KnowNoSeriesOfASessionThatIsNotThere) {
  for (const char* uuid : {"3f0a6ce2-6ee5-41ba-a1e3-c8cd4c1d0c20", "\xff", ""}) {
    const auto slots = store_->slots_of_session(uuid, Span::day);
    ASSERT_FALSE(slots.has_value());
    EXPECT_EQ(slots.error().code, Errc::not_found);
  }
}

TEST_P(StoreSamples, GoWithTheirSession) {
  const NodeId jp = add("jp1");
  StoredSession session = must(store_->add_session(testing::kTester, row(jp, 1)));
  for (UnixSeconds at = kStart; at < kStart + 1'800; at += 60) tell(jp, session, at);
  must(store_->change_session(testing::kTester,
                              {session.uuid, [](const StoredSession&) -> Checked<Verdict> { return Drop{}; }}));
  must(store_->add_session(testing::kTester, session));
  EXPECT_TRUE(must(store_->slots_of_session(session.uuid, Span::day)).empty());
}

TEST_P(StoreSamples, KeepLinksByTheirOtherEnd) {
  const NodeId jp = add("jp1");
  const NodeId de = add("de1");
  const NodeId hk = add("hk1");
  must(store_->record_readings(jp, {{"", de, busy(kStart)}, {"", 61, busy(kStart)}, {"", jp, busy(kStart)}},
                               kStart * 1'000));
  must(store_->record_readings(hk, {{"", de, busy(kStart)}}, kStart * 1'000));
  auto links = must(store_->slots_of_links(jp, Span::day));
  ASSERT_EQ(links.size(), 1u) << "of a node that is not there, and of itself, nothing is kept";
  EXPECT_EQ(links.at(de).begin()->second.rtts, 1);
  EXPECT_TRUE(must(store_->slots_of_links(de, Span::day)).empty());
  must(store_->delete_node(testing::kTester, "de1"));
  EXPECT_TRUE(must(store_->slots_of_links(jp, Span::day)).empty()) << "the id's next holder is another node";
}

TEST_P(StoreSamples, BecomeCoarseAfterADayAndEndAfterNinety) {
  const NodeId jp = add("jp1");
  const StoredSession session = must(store_->add_session(testing::kTester, row(jp, 1)));
  constexpr UnixSeconds kEnd = kStart + 4 * 3'600;
  for (UnixSeconds at = kStart; at < kEnd; at += 60) tell(jp, session, at);
  const Slots before = must(store_->slots_of_session(session.uuid, Span::quarter));
  ASSERT_EQ(before.size(), 2u);
  EXPECT_EQ(tidy(kEnd), 0u) << "nothing is a day old yet";
  EXPECT_EQ(tidy(kStart + 7'200 + kDay), 1u);
  EXPECT_EQ(write_slots(must(store_->slots_of_session(session.uuid, Span::quarter)), 0), write_slots(before, 0))
      << "it only moved";
  EXPECT_LT(must(store_->slots_of_session(session.uuid, Span::day)).size(), 30u);
  tell(jp, session, kEnd + 3 * kDay);  // which seals what was open
  tidy(kEnd + 3 * kDay);
  const Slots later = must(store_->slots_of_session(session.uuid, Span::quarter));
  EXPECT_EQ(write_slots({*later.begin(), *std::next(later.begin())}, 0), write_slots(before, 0));
  tidy(kStart + 92 * kDay + 2 * kDay);
  EXPECT_LE(must(store_->slots_of_session(session.uuid, Span::quarter)).size(), 1u);
}

TEST_P(StoreSamples, SurviveTheEndOfTheProcess) {
  const NodeId jp = add("jp1");
  const StoredSession session = must(store_->add_session(testing::kTester, row(jp, 1)));
  for (UnixSeconds at = kStart; at < kStart + 1'800; at += 60) tell(jp, session, at);
  const Slots before = must(store_->slots_of_session(session.uuid, Span::day));
  store_->set_change_listener({});
  store_ = database_->open({.recheck = std::chrono::hours(1)});
  EXPECT_EQ(must(store_->slots_of_session(session.uuid, Span::day)), before);
}

// The size that docs/operations.md states.
TEST_P(StoreSamples, TakeLessThanAHundredKilobytesASession) {
  constexpr int kSessions = 12;
  const NodeId jp = add("jp1");
  std::vector<StoredSession> rows;
  for (int i = 0; i < kSessions; ++i) {
    rows.push_back(must(store_->add_session(testing::kTester, row(jp, 1 + static_cast<model::Asn>(i)))));
  }
  const std::int64_t before = database_->bytes();
  constexpr UnixSeconds kEnd = kStart + 91 * kDay;
  for (UnixSeconds at = kStart + kCoarseSeconds; at < kEnd;
       at += at < kEnd - 2 * kDay ? kCoarseSeconds : 2 * kFineSeconds) {
    std::vector<SeriesReading> readings;
    for (const StoredSession& session : rows) {
      for (UnixSeconds early = 240; early > -300; early -= 60) readings.push_back({session.uuid, 0, heavy(at - early)});
    }
    must(store_->record_readings(jp, readings, at * 1'000));
    if (at % (at < kEnd - 2 * kDay ? kDay : kCoarseSeconds) == 0) {
      tidy(at);
      database_->bytes();  // which clears away what was written anew, as PostgreSQL does at a fifth of a table
    }
  }
  const Slots day = must(store_->slots_of_session(rows.front().uuid, Span::day));
  const Slots quarter = must(store_->slots_of_session(rows.front().uuid, Span::quarter));
  EXPECT_GE(day.size(), 288u);
  EXPECT_GE(quarter.size(), 1'080u);
  const std::int64_t each = (database_->bytes() - before) / kSessions;
  RecordProperty("bytes_per_session", static_cast<int>(each));
  std::printf("%lld bytes per session\n", static_cast<long long>(each));
  EXPECT_LT(each, 100'000);
}

}  // namespace
}  // namespace moenet::controlplane
