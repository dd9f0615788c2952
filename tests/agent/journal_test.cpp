#include <filesystem>
#include <fstream>
#include <sys/stat.h>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "agent/journal_document.h"
#include "agent/journal_task.h"
#include "base/file.h"
#include "support/temporary_folder.h"

namespace moenet::agent {
namespace {

using Kind = Event::Kind;
using std::chrono::seconds;

const WallTime kNow{seconds(1'800'000'000)};
const model::Owner kPeer = "session/00000000-0000-4000-8000-000000000001";

std::vector<std::string> texts_of(const std::vector<Event>& events) {
  std::vector<std::string> texts;
  for (const Event& event : events) texts.push_back(event.text);
  return texts;
}

TEST(Journal, KeepsTheLastOfEachAndOfAll) {
  Journal journal;
  journal.add(kNow, "session/quiet", Kind::state, "ENABLED");
  for (std::size_t i = 1; i <= kEventsPerOwner + 3; ++i) journal.add(kNow, kPeer, Kind::bgp, fmt::format("{}", i));
  ASSERT_EQ(journal.of(kPeer).size(), kEventsPerOwner);
  EXPECT_EQ(journal.of(kPeer).front().text, "4");
  EXPECT_EQ(journal.of("session/quiet").size(), 1u) << "one that flaps pushes out nobody else's";
  for (std::size_t i = 0; i < kEventsInAll; ++i)
    journal.add(kNow, fmt::format("session/{}", i), Kind::state, "ENABLED");
  EXPECT_EQ(journal.after(0, 2 * kEventsInAll).size(), kEventsInAll);
  EXPECT_TRUE(journal.of(kPeer).empty());
  EXPECT_EQ(journal.bounds().latest - journal.bounds().oldest + 1, kEventsInAll);
}

TEST(Journal, PagesGoOnWhereTheLastEnded) {
  Journal journal;
  for (const char* text : {"a", "b", "c"}) journal.add(kNow, kPeer, Kind::state, text);
  const auto first = journal.after(0, 2);
  EXPECT_EQ(texts_of(first), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(texts_of(journal.after(first.back().number, 2)), std::vector<std::string>{"c"});
  EXPECT_TRUE(journal.after(std::numeric_limits<std::uint64_t>::max(), 2).empty());
}

TEST(Journal, TextsAreOneShortLine) {
  Journal journal;
  journal.add(kNow, kPeer, Kind::bgp, "a\nb\x1b[31m" + std::string(1000, 'x'));
  const std::string text = journal.of(kPeer).at(0).text;
  EXPECT_EQ(text.find_first_of("\n\x1b"), std::string::npos);
  EXPECT_LT(text.size(), 300u);
}

class JournalOnDisk : public testing::Test {
 protected:
  std::string path() const { return folder_ / "events.journal"; }
  std::vector<Event> read() const { return JournalFile(folder_.path()).load().value(); }
  void append(std::string_view bytes) const { std::ofstream(path(), std::ios::app) << bytes; }

  support::TemporaryFolder folder_;
};

TEST_F(JournalOnDisk, ANewAgentGoesOnWhereTheOldOneEnded) {
  Journal journal;
  JournalFile file(folder_.path());
  EXPECT_EQ(file.load().error().code, Errc::not_found);
  journal.add(kNow, kPeer, Kind::changed, "+ dn42_1  \"create\" tunnel…");
  ASSERT_TRUE(file.save(journal));
  journal.add(kNow + seconds(1), kPeer, Kind::link_quality, "latency tier 3");
  ASSERT_TRUE(file.save(journal));
  struct stat status{};
  ASSERT_EQ(::stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);

  JournalFile again(folder_.path());
  Journal later;
  later.take_up(again.load().value());
  EXPECT_EQ(later.after(0, 9), journal.after(0, 9));
  later.add(kNow, kPeer, Kind::bgp, "BGP is up");
  EXPECT_EQ(later.bounds().latest, 3u);
  ASSERT_TRUE(again.save(later));
  EXPECT_EQ(read(), later.after(0, 9));
}

TEST_F(JournalOnDisk, WhatCannotBeReadIsPassedOverAndMended) {
  Journal journal;
  JournalFile file(folder_.path());
  journal.add(kNow, kPeer, Kind::bgp, "BGP is up");
  ASSERT_TRUE(file.save(journal));
  append("{\"number\":1,\"time_ms\":1,\"owner\":\"session/x\",\"kind\":\"bgp\",\"text\":\"twice\"}\nnonsense\n\xff\n");
  append(line_of({7, kNow, kPeer, Kind::state, "ENABLED"}));
  append(R"({"number":8,"time_ms":18)");  // torn
  JournalFile again(folder_.path());
  Journal later;
  later.take_up(again.load().value());
  EXPECT_EQ(texts_of(later.of(kPeer)), (std::vector<std::string>{"BGP is up", "ENABLED"}));
  later.add(kNow, kPeer, Kind::bgp, "BGP is down");
  ASSERT_TRUE(again.save(later));
  EXPECT_EQ(read(), later.after(0, 9)) << "nothing was appended to half a line";
}

TEST_F(JournalOnDisk, TheFileIsBounded) {
  Journal journal;
  JournalFile file(folder_.path());
  std::size_t largest = 0;
  for (std::size_t round = 0; round < 6; ++round) {
    for (std::size_t i = 0; i < kEventsInAll / 2; ++i)
      journal.add(kNow, fmt::format("session/{}", i), Kind::state, "ENABLED");
    ASSERT_TRUE(file.save(journal));
    const std::string bytes = read_file(path(), 64u << 20).value();
    largest = std::max(largest, static_cast<std::size_t>(std::ranges::count(bytes, '\n')));
  }
  EXPECT_LE(largest, 2 * kEventsInAll);
  Journal later;  // the file may hold more than is kept
  later.take_up(read());
  EXPECT_EQ(later.after(0, 2 * kEventsInAll), journal.after(0, 2 * kEventsInAll));
}

TEST_F(JournalOnDisk, EventsThatFoundNoRoomAreWrittenWithTheNext) {
  Journal journal;
  JournalFile file(folder_ / "state");
  std::ofstream(folder_ / "state") << "in the way of the folder";
  journal.add(kNow, kPeer, Kind::bgp, "BGP is up");
  EXPECT_FALSE(file.save(journal));
  std::filesystem::remove(folder_ / "state");
  ASSERT_TRUE(file.save(journal));
  EXPECT_EQ(JournalFile(folder_ / "state").load().value(), journal.after(0, 9));
}

TEST(JournalLine, NonsenseIsNoEvent) {
  const Event event{3, kNow, kPeer, Kind::bgp, "BGP is up"};
  std::string line = line_of(event);
  line.pop_back();
  EXPECT_EQ(read_event(line).value(), event);
  for (const char* bad :
       {"", "{}", "[]", "{\"number\":0,\"time_ms\":1,\"owner\":\"a\",\"kind\":\"bgp\",\"text\":\"\"}",
        "{\"number\":1,\"time_ms\":-1,\"owner\":\"a\",\"kind\":\"bgp\",\"text\":\"\"}",
        "{\"number\":1,\"time_ms\":9223372036854775807,\"owner\":\"a\",\"kind\":\"bgp\",\"text\":\"\"}",
        "{\"number\":1,\"time_ms\":1,\"owner\":\"a\",\"kind\":\"party\",\"text\":\"\"}"})
    EXPECT_FALSE(read_event(bad)) << bad;
}

Measurement with_bgp(std::string state, std::uint64_t flaps = 0, std::string last_error = "") {
  LinkMeasurement link;
  link.owner = kPeer;
  link.flaps = flaps;
  link.bgp.emplace();
  link.bgp->bgp_state = std::move(state);
  link.bgp->last_error = std::move(last_error);
  Measurement measurement;
  measurement.links.push_back(std::move(link));
  measurement.wall = kNow;
  return measurement;
}

TEST(SnapshotWatch, BgpThatComesAndGoesIsAnEvent) {
  Journal journal;
  SnapshotWatch watch;
  watch.look(with_bgp("Active"), journal);
  EXPECT_TRUE(journal.of(kPeer).empty()) << "it was never up";
  watch.look(with_bgp("Established"), journal);
  watch.look(with_bgp("Established"), journal);
  Measurement unknown = with_bgp("");
  unknown.links[0].bgp.reset();
  watch.look(unknown, journal);
  watch.look(with_bgp("Active", 1, "Received: Administrative shutdown"), journal);
  watch.look(with_bgp("Established", 1), journal);
  watch.look(with_bgp("Established", 3), journal);
  EXPECT_EQ(texts_of(journal.of(kPeer)),
            (std::vector<std::string>{"BGP is up", "BGP is down, Active: Received: Administrative shutdown",
                                      "BGP is up", "BGP is up again, lost 2 times meanwhile"}));
}

TEST(SnapshotWatch, AfterARestartOnlyWhatDiffersFromTheJournalIsNews) {
  Journal journal;
  journal.add(kNow, kPeer, Kind::bgp, "BGP is up");
  SnapshotWatch same;
  same.look(with_bgp("Established", 4), journal);
  EXPECT_EQ(journal.of(kPeer).size(), 1u);
  SnapshotWatch fallen;
  fallen.look(with_bgp("Connect"), journal);
  EXPECT_EQ(journal.of(kPeer).back().text, "BGP is down, Connect");
}

TEST(SnapshotWatch, AnotherTierIsAnEventAndAnotherRoundTripIsNot) {
  Journal journal;
  LinkQuality quality;
  quality.owner = kPeer;
  SnapshotWatch().look({quality}, kNow, journal);
  EXPECT_TRUE(journal.of(kPeer).empty()) << "nothing is known yet";
  quality.latency_tier = 3;
  quality.loss_class = 91;
  quality.smoothed_rtt_ms = 12.34;
  SnapshotWatch watch;
  watch.look({quality}, kNow, journal);
  quality.smoothed_rtt_ms = 13.0;
  watch.look({quality}, kNow, journal);
  SnapshotWatch().look({quality}, kNow, journal);  // an agent that starts
  EXPECT_EQ(texts_of(journal.of(kPeer)),
            std::vector<std::string>{"latency tier 3, loss class 91 (round trip 12.3 ms)"});
}

NodeReport changed(std::string line) {
  NodeReport report;
  SessionView view;
  view.uuid = std::string(model::session_of(kPeer));
  view.held_status = 4;
  view.changes = {std::move(line)};
  report.sessions = std::make_shared<const SessionViews>(SessionViews{view});
  report.step.planned = 1;
  report.step.removed = {"session/gone"};
  report.finished = kNow;
  return report;
}

TEST(JournalNotes, SayWhatTheStepDidAndWhichStatusAskedForIt) {
  Journal journal;
  note_changes(changed("+ dn42_1  create wireguard tunnel"), journal);
  EXPECT_EQ(texts_of(journal.of(kPeer)),
            std::vector<std::string>{"+ dn42_1 create wireguard tunnel (QUEUED_FOR_SETUP at the control plane)"});
  EXPECT_EQ(journal.of("session/gone").size(), 1u);
  note_told({std::string(model::session_of(kPeer)), {model::SessionStatus::problem, "no handshake"}}, kNow, journal);
  EXPECT_EQ(journal.of(kPeer).back().text, "PROBLEM: no handshake");
}

TEST(SessionDocument, TellsTheLastChangeAndTheEvents) {
  Journal journal;
  note_changes(changed("first"), journal);
  NodeReport second = changed("second");
  second.finished = kNow + seconds(5);
  note_changes(second, journal);
  journal.add(kNow + seconds(6), kPeer, Kind::bgp, "BGP is up");
  const SessionSource source{std::make_shared<const NodeReport>(second), nullptr, nullptr, nullptr, journal};
  const auto document = boost::json::parse(session_document(source, model::session_of(kPeer)).value());
  EXPECT_EQ(document.at("last_change").at("time"), "2027-01-15T08:00:05Z");
  EXPECT_EQ(document.at("last_change").at("changes"),
            (boost::json::array{"second (QUEUED_FOR_SETUP at the control plane)"}));
  EXPECT_EQ(document.at("events").as_array().size(), 3u);
  EXPECT_TRUE(document.at("bgp").is_null()) << "what is not known is null";
  EXPECT_TRUE(session_document(source, "gone")) << "its end is known";
  EXPECT_FALSE(session_document(source, "never"));
}

}  // namespace
}  // namespace moenet::agent
