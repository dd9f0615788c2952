#include "model/lifecycle.h"

#include <array>
#include <set>
#include <utility>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/utf8.h"

namespace moenet::model {
namespace {

using Held = std::optional<std::int64_t>;

TEST(Lifecycle, AllowsTheMovesOfTheContractAndNoOthers) {
  const std::set<std::pair<int, int>> legal = {{3, 4}, {3, 8}, {4, 2}, {4, 6}, {4, 7}, {2, 5}, {2, 6}, {2, 1}, {2, 4},
                                               {6, 2}, {6, 5}, {6, 7}, {5, 0}, {5, 1}, {1, 4}, {7, 1}, {7, 4}};
  for (int from = 0; from <= 8; ++from) {
    for (int to = 0; to <= 8; ++to) {
      const bool expected = from == to || legal.contains({from, to});
      EXPECT_EQ(is_legal_move(*session_status_from_int(from), *session_status_from_int(to)), expected) << from << to;
    }
  }
}

TEST(Lifecycle, KnowsWhatEachStatusAsksFor) {
  using enum Intent;
  const std::array<Intent, 9> expected = {absent, absent,  present, untouched, present,
                                          absent, present, absent,  untouched};
  for (std::int64_t status = 0; status <= 8; ++status) {
    EXPECT_EQ(intent_of(status), expected[static_cast<std::size_t>(status)]) << status;
  }
  for (const Held unknown : {Held{}, Held{9}, Held{-1}, Held{99}, Held{INT64_MAX}, Held{INT64_MIN}, Held{256}}) {
    EXPECT_EQ(intent_of(unknown), untouched);
  }
}

TEST(Lifecycle, NamesEveryStatus) {
  EXPECT_EQ(name_of(SessionStatus::queued_for_setup), "QUEUED_FOR_SETUP");
  std::set<std::string_view> names;
  for (std::int64_t status = 0; status <= 8; ++status) names.insert(name_of(*session_status_from_int(status)));
  EXPECT_EQ(names.size(), 9u);
  EXPECT_FALSE(session_status_from_int(9));
  EXPECT_FALSE(session_status_from_int(-1));
}

struct ReportCase {
  std::int64_t held;
  const char* held_error;
  Condition condition;
  std::optional<StatusReport> expected;
};

TEST(Report, FollowsTheTable) {
  using enum SessionStatus;
  const Condition broken = Broken{"port in use"};
  const Condition invalid = Invalid{"bad key"};
  const ReportCase cases[] = {
      // What works.
      {4, "", InPlace{}, StatusReport{enabled, ""}},
      {6, "port in use", InPlace{}, StatusReport{enabled, ""}},
      {2, "", InPlace{}, {}},
      {2, "old", InPlace{}, StatusReport{enabled, ""}},
      {5, "", InPlace{}, {}},
      {7, "", InPlace{}, {}},
      // What was removed.
      {5, "", Removed{}, StatusReport{deleted, ""}},
      {5, "old", Removed{}, StatusReport{deleted, ""}},
      {1, "", Removed{}, {}},
      {7, "bad key", Removed{}, {}},
      {0, "", Removed{}, {}},
      {2, "", Removed{}, {}},
      // What cannot work now.
      {4, "", broken, StatusReport{problem, "port in use"}},
      {2, "", broken, StatusReport{problem, "port in use"}},
      {6, "", broken, StatusReport{problem, "port in use"}},
      {6, "another", broken, StatusReport{problem, "port in use"}},
      {6, "port in use", broken, {}},
      {2, "port in use", broken, StatusReport{problem, "port in use"}},
      {5, "", broken, {}},
      {1, "", broken, {}},
      {7, "", broken, {}},
      // What never can.
      {4, "", invalid, StatusReport{teardown, "bad key"}},
      {2, "", invalid, StatusReport{problem, "bad key"}},
      {6, "bad key", invalid, StatusReport{teardown, "bad key"}},
      {7, "bad key", invalid, {}},
      {5, "", invalid, {}},
      {1, "", invalid, {}},
  };
  for (const ReportCase& c : cases) {
    EXPECT_EQ(report_for(c.held, c.held_error, c.condition), c.expected) << c.held << " " << c.condition.index();
  }
}

TEST(Report, SaysNothingOfRowsThatAreNotOurs) {
  for (const Held held : {Held{}, Held{3}, Held{8}, Held{0}, Held{9}, Held{99}, Held{-1}}) {
    for (const Condition& condition : {Condition{InPlace{}}, Condition{Removed{}}, Condition{Broken{"x"}},
                                       Condition{Invalid{"x"}}, Condition{Unchanged{}}}) {
      EXPECT_FALSE(report_for(held, "", condition));
    }
  }
}

TEST(Report, SaysNothingWhenNothingWasDone) {
  for (std::int64_t held = 0; held <= 8; ++held) EXPECT_FALSE(report_for(held, "old", Unchanged{}));
}

RC_GTEST_PROP(Report, ProposesLegalMovesOnlyAndFallsSilentOnceHeld, ()) {
  const auto held = *rc::gen::inRange<std::int64_t>(0, 9);
  const auto text = *rc::gen::arbitrary<std::string>();
  const Condition condition =
      *rc::gen::element<Condition>(InPlace{}, Removed{}, Broken{text}, Invalid{text}, Unchanged{});
  const auto held_error = *rc::gen::arbitrary<std::string>();
  const auto report = report_for(held, held_error, condition);
  if (!report) return;
  RC_ASSERT(is_legal_move(*session_status_from_int(held), report->status));
  RC_ASSERT(fit_last_error(report->last_error) == report->last_error);
  // An invalid row takes two moves; all others one.
  const auto next = report_for(static_cast<std::int64_t>(report->status), report->last_error, condition);
  if (!next) return;
  RC_ASSERT(std::holds_alternative<Invalid>(condition));
  RC_ASSERT(next->status == SessionStatus::teardown);
  RC_ASSERT(!report_for(7, next->last_error, condition));
}

TEST(FitLastError, PutsTheTextOnOneLine) {
  EXPECT_EQ(fit_last_error("wg: bad key\nline2"), "wg: bad key line2");
  EXPECT_EQ(fit_last_error(" \t a \r\n\r\n b \n"), "a b");
  EXPECT_EQ(fit_last_error(std::string_view("a\0b", 3)), "a b");
  EXPECT_EQ(fit_last_error("a\x1B[31mb\x7F"), "a [31mb");
  EXPECT_EQ(fit_last_error("a\xC2\x85"
                           "b\xE2\x80\xA8"
                           "c"),
            "a b c");
  EXPECT_EQ(fit_last_error(""), "");
}

TEST(FitLastError, CutsByCharacters) {
  const std::string fits(255, 'x');
  EXPECT_EQ(fit_last_error(fits), fits);
  EXPECT_EQ(fit_last_error(fits + "y"), std::string(254, 'x') + "\xE2\x80\xA6");
  std::string wide;
  for (int i = 0; i < 300; ++i) wide += "\xE4\xB8\xAD";
  EXPECT_EQ(fit_last_error(wide).size(), 255u * 3);
}

TEST(FitLastError, ReplacesBytesThatAreNoCharacters) { EXPECT_EQ(fit_last_error("a\xFFz"), "a\xEF\xBF\xBDz"); }

RC_GTEST_PROP(FitLastError, IsValidShortAndStable, ()) {
  auto text = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
  const auto times = *rc::gen::inRange(1, 40);
  std::string long_text;
  for (int i = 0; i < times; ++i) long_text += text;
  const std::string fit = fit_last_error(long_text);
  std::size_t units = 0;
  for (std::string_view rest = fit; !rest.empty();) {
    const Utf8Character next = first_utf8_character(rest);
    RC_ASSERT(next.valid);
    RC_ASSERT(next.code >= 0x20 && next.code != 0x7F);
    units += next.code > 0xFFFF ? 2 : 1;
    rest.remove_prefix(next.bytes);
  }
  RC_ASSERT(units <= 255u);
  RC_ASSERT(fit_last_error(fit) == fit);
}

}  // namespace
}  // namespace moenet::model
