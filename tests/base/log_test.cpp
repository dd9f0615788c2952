#include "base/log.h"

#include <cstdlib>
#include <sys/stat.h>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/key.h"
#include "base/secret.h"
#include "base/utf8.h"

namespace moenet {
namespace {

TEST(EscapeForLog, KeepsEveryCharacterOnOneHarmlessLine) {
  struct Case {
    std::string given;
    std::string escaped;
  };
  for (const Case& c : std::vector<Case>{{"plain text", "plain text"},
                                         {"Zürich 東京", "Zürich 東京"},
                                         {"a\nb\rc\td", "a\\nb\\rc\\td"},
                                         {"say \"x\" \\", "say \\\"x\\\" \\\\"},
                                         {std::string("a\0b", 3), "a\\x00b"},
                                         {"\x1b[31m", "\\x1b[31m"},
                                         {"\x7f", "\\x7f"},
                                         {"\xff\xc0\xaf", "\\xff\\xc0\\xaf"},
                                         {"\xc2\x85", "\\u0085"},
                                         {"\xe2\x80\xae"
                                          "evil",
                                          "\\u202eevil"},
                                         {"\xe2\x80\xa8", "\\u2028"},
                                         {"%s %n", "%s %n"}}) {
    EXPECT_EQ(escape_for_log(c.given), c.escaped);
  }
}

TEST(EscapeForLog, CutsAtAWholeCharacterAndSaysHowLongTheTextWas) {
  EXPECT_EQ(escape_for_log("abcdef", 6), "abcdef");
  EXPECT_EQ(escape_for_log("abcdefg", 6), "abcdef…(7 bytes)");
  EXPECT_EQ(escape_for_log("abcde\n", 6), "abcde…(6 bytes)");
  EXPECT_EQ(escape_for_log("abcdeü", 6), "abcde…(7 bytes)");
  EXPECT_LT(escape_for_log(std::string(10'000, '\n')).size(), 330u);
}

RC_GTEST_PROP(EscapeForLog, PrintsOnlyValidUtf8WithoutControls, (const std::string& text)) {
  const std::string escaped = escape_for_log(text);
  for (std::string_view rest = escaped; !rest.empty();) {
    const Utf8Character next = first_utf8_character(rest);
    RC_ASSERT(next.valid && next.code >= 0x20);
    rest.remove_prefix(next.bytes);
  }
}

class LogTest : public testing::Test {
 protected:
  ~LogTest() override { log::start(log::Output::text, log::Level::info); }
  static std::string written(const std::function<void()>& write) {
    testing::internal::CaptureStderr();
    write();
    return testing::internal::GetCapturedStderr();
  }
};

TEST_F(LogTest, WritesOneLineWithTimeLevelMessageAndFields) {
  log::start(log::Output::text, log::Level::info);
  const std::string line =
      written([] { log::warning("link lost", {{"link", "dn42_7"}, {"asn", 4242420007}, {"why", "no such link"}}); });
  const std::string tail = " warning link lost link=dn42_7 asn=4242420007 why=\"no such link\"\n";
  ASSERT_EQ(line.size(), std::string("2026-01-01T00:00:00.000Z").size() + tail.size());
  EXPECT_EQ(line.substr(24), tail);
  EXPECT_EQ(line[10], 'T');
  EXPECT_EQ(line[23], 'Z');
}

TEST_F(LogTest, NeverLetsAValueForgeALineOrAField) {
  const std::string line = written([] { log::error("bad\nrow", {{"name", "x\" asn=1\n2026 fake"}}); });
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_NE(line.find("error   bad\\nrow name=\"x\\\" asn=1\\n2026 fake\"\n"), std::string::npos) << line;
}

TEST_F(LogTest, DropsWhatIsBelowTheThreshold) {
  log::start(log::Output::text, log::Level::warning);
  EXPECT_EQ(written([] { log::info("quiet"); }), "");
  EXPECT_NE(written([] { log::warning("loud"); }), "");
}

TEST_F(LogTest, PrintsASecretAsStars) {
  const std::string line = written([] { log::info("token", {{"token", Secret("hunter2")}}); });
  EXPECT_NE(line.find("token=***"), std::string::npos);
  EXPECT_EQ(line.find("hunter2"), std::string::npos);
}

TEST_F(LogTest, WritesTextUnlessTheJournalReadsOurStderr) {
  ::unsetenv("JOURNAL_STREAM");
  EXPECT_EQ(log::detect_output(), log::Output::text);
  ::setenv("JOURNAL_STREAM", "1:1", 1);
  EXPECT_EQ(log::detect_output(), log::Output::text);
  struct stat status{};
  ::fstat(2, &status);
  ::setenv("JOURNAL_STREAM", fmt::format("{}:{}", status.st_dev, status.st_ino).c_str(), 1);
  EXPECT_EQ(log::detect_output(), log::Output::journald);
  ::unsetenv("JOURNAL_STREAM");
}

}  // namespace
}  // namespace moenet
