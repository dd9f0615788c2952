#include "bird/reply.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "bird/fixture.h"

namespace moenet::bird {
namespace {

class Fixtures : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Bird, Fixtures, testing::ValuesIn(kVersions));

TEST_P(Fixtures, StatusTellsWhenBirdWasStarted) {
  const auto boot = parse_last_boot(only(fixture(GetParam(), "show_status")));
  ASSERT_TRUE(boot);
  EXPECT_TRUE(boot->starts_with("Last reboot on 20")) << *boot;
  EXPECT_FALSE(parse_last_boot(only(fixture(GetParam(), "show_protocols"))));
}

TEST_P(Fixtures, EveryFileIsExactlyOneReplyHoweverItIsCutIntoPieces) {
  const std::string names[] = {"greeting",       "show_status", "show_protocols", "show_protocols_all",
                               "configure",      "show_memory", "configure_undo", "show_symbols",
                               "show_route_all", "restrict",    "empty",          "disable"};
  for (const std::string& name : names) {
    if (name == "configure") continue;
    const std::string bytes = fixture(GetParam(), name);
    const Reply whole = only(bytes);
    for (const std::size_t piece : {1u, 2u, 3u, 7u, 64u}) {
      const auto replies = cut(bytes, piece);
      ASSERT_EQ(replies.size(), 1u) << name;
      EXPECT_EQ(replies[0].text(), whole.text());
      EXPECT_EQ(replies[0].code(), whole.code());
    }
  }
}

TEST_P(Fixtures, GreetingGivesTheVersion) {
  EXPECT_EQ(parse_babel_neighbors(only(fixture(GetParam(), "show_babel_neighbors"))),
            std::vector<std::string>{"igp_b"});
  EXPECT_TRUE(parse_babel_neighbors(only(fixture(GetParam(), "show_babel_routes"))).empty());
  const auto version = parse_greeting(only(fixture(GetParam(), "greeting")));
  ASSERT_TRUE(version);
  EXPECT_EQ(version->text(), GetParam());
}

TEST(BabelNeighbors, AreHeardWhileTheirCostIsFinite) {
  const std::string rows =
      "1024-mesh:\n"
      " IP address                Interface  Metric Routes Hellos Expires Auth  RTT (ms)\n"
      " fe80::998:101:3:1         dn42-wg-igp-3  65535      0      9   1.119 No       0.000\n"
      " fe80::998:101:12:1        dn42-wg-igp-12   1056      4     16   4.119 No     300.726\n"
      " fe80::998:101:2:1         dn42-wg-igp-2     96      4     16   4.119 No       1.726\n"
      "0000 \n";
  EXPECT_EQ(parse_babel_neighbors(only(rows)), (std::vector<std::string>{"dn42-wg-igp-12", "dn42-wg-igp-2"}));
}

TEST_P(Fixtures, ProtocolsKeepTheirFirstAndLastRow) {
  const auto rows = parse_protocols(only(fixture(GetParam(), "show_protocols")));
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 10u);
  std::size_t established = 0;
  for (const ProtocolStatus& row : *rows) {
    EXPECT_EQ(row.state, "up") << row.name;
    EXPECT_EQ(row.since.size(), 12u) << row.name;
    if (row.proto != "BGP") continue;
    EXPECT_EQ(row.info, "Established");
    established += row.is_established();
  }
  EXPECT_EQ(established, 3u);
}

TEST_P(Fixtures, ProtocolRowsAreFoundAmongTheirDetails) {
  const auto rows = parse_protocols(only(fixture(GetParam(), "show_protocols_all_bgp")));
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 1u);
  EXPECT_EQ(rows->front().name, "dn42_x");
  EXPECT_TRUE(rows->front().is_established());
}

TEST_P(Fixtures, NoMatchIsAnEmptyListAndAsyncLinesAreDropped) {
  const Reply reply = only(fixture(GetParam(), "show_protocols_after_timeout"));
  EXPECT_EQ(reply.code(), 8003);
  EXPECT_EQ(reply.text().find("expired"), std::string::npos);
  const auto rows = parse_protocols(reply);
  ASSERT_TRUE(rows);
  EXPECT_TRUE(rows->empty());
}

TEST_P(Fixtures, ConfigErrorsNameFileLineAndColumn) {
  const auto error = parse_config_error(only(fixture(GetParam(), "configure_check_syntax_error")));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->file, "/etc/bird/zz.conf");
  EXPECT_EQ(error->line, 2);
  EXPECT_EQ(error->column, 22);
  EXPECT_TRUE(error->text.starts_with("syntax error, unexpected '%'"));
  const auto missing = parse_config_error(only(fixture(GetParam(), "configure_check_missing_file")));
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->file, "/nonexistent.conf");
  EXPECT_EQ(missing->line, 0);
  EXPECT_FALSE(parse_config_error(only(fixture(GetParam(), "configure_check"))));
}

TEST(Reply, OnlyTheLastCodeDecides) {
  const Reply reply = only("0002-Reading configuration from /etc/bird/a.conf\n8002 /a:1:2 x\n");
  EXPECT_TRUE(reply.is_error());
  EXPECT_EQ(reply.lines.front().code, 2);
  EXPECT_FALSE(only("0003-Daemon is up\n0000 \n").is_error());
}

TEST(Reply, ContinuationLinesCarryTheCodeBefore) {
  const Reply reply = only("1002-a\n b\n0000 \n");
  ASSERT_EQ(reply.lines.size(), 3u);
  EXPECT_EQ(reply.lines[1].code, 1002);
  EXPECT_EQ(reply.lines[1].text, "b");
}

TEST(ReplyReader, RefusesWhatNoBirdSends) {
  for (const std::string_view bytes :
       {"\n", "12 x\n", "00a0 x\n", "0000\n", "0000x\n", " continued\n", "HTTP/1.1 200 OK\r\n"}) {
    ReplyReader reader;
    const auto fed = reader.feed(bytes);
    ASSERT_FALSE(fed) << bytes;
    EXPECT_EQ(fed.error().code, Errc::invalid);
    EXPECT_FALSE(reader.feed("0000 \n"));  // it stays broken
    EXPECT_FALSE(reader.next());
  }
}

TEST(ReplyReader, RefusesAReplyAboveItsLimitEvenWithoutALineEnd) {
  ReplyReader lines(100);
  EXPECT_TRUE(lines.feed("1002-" + std::string(80, 'x') + "\n"));
  EXPECT_FALSE(lines.feed(" " + std::string(30, 'x') + "\n"));
  ReplyReader one_line(100);
  EXPECT_FALSE(one_line.feed(std::string(101, 'x')));
  ReplyReader many(100);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(many.feed("0000 ok\n"));
}

TEST(ReplyReader, GivesWhatItHasOfAReplyAboveItsLimitWhereItCuts) {
  ReplyReader reader(20, ReplyReader::TooLarge::cut);
  EXPECT_TRUE(reader.feed("0000 ok\n1002-first\n second\n third\n0000 \n"));
  EXPECT_FALSE(reader.next()->is_cut);
  const auto reply = reader.next();
  ASSERT_TRUE(reply);
  EXPECT_TRUE(reply->is_cut);
  EXPECT_EQ(reply->text(), "first\nsecond");
  EXPECT_FALSE(reader.feed("0000 \n")) << "the rest of the reply is lost";
  ReplyReader endless(20, ReplyReader::TooLarge::cut);
  EXPECT_TRUE(endless.feed(std::string(21, 'x')));
  EXPECT_TRUE(endless.next()->is_cut);
}

TEST(ReplyReader, RepliesOutliveTheReaderAndWhatItWasFed) {
  std::optional<ReplyReader> reader(std::in_place);
  std::string bytes = "1002-a\n0000 \n1002-" + std::string(100, 'x') + "\n";
  EXPECT_TRUE(reader->feed(bytes));
  EXPECT_TRUE(reader->feed(" y\n0000 \n"));
  const Reply first = *reader->next();
  const Reply second = *reader->next();
  reader.reset();
  bytes.assign(bytes.size(), '-');
  EXPECT_EQ(first.text(), "a\n");
  EXPECT_EQ(second.text(), std::string(100, 'x') + "\ny\n");
}

RC_GTEST_PROP(ReplyReader, NeverNeedsMoreThanBytes, (const std::string& bytes, std::uint8_t piece)) {
  ReplyReader reader(4096);
  const std::size_t step = std::size_t{piece} + 1;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    if (!reader.feed(std::string_view(bytes).substr(at, step))) break;
    while (reader.next()) {
    }
  }
}

TEST(Greeting, AcceptsOddVersionsAndRefusesOthers) {
  const auto parse = [](const std::string& text) { return parse_greeting(only("0001 " + text + "\n")); };
  EXPECT_EQ(parse("BIRD 2.14 ready.")->text(), "2.14.0");
  EXPECT_EQ(parse("BIRD 3.0alpha1 ready.")->text(), "3.0.0");
  EXPECT_EQ(parse("BIRD 2.15.1+branch.x ready.")->text(), "2.15.1");
  EXPECT_FALSE(parse("BIRD ready."));
  EXPECT_FALSE(parse("BIRD 99999999999.1 ready."));
  EXPECT_FALSE(parse("FRR 2.0 ready."));
  EXPECT_FALSE(parse_greeting(only("0013 BIRD 2.0.12 ready.\n")));
}

TEST(Protocols, RowsShareWhatTheyHaveInCommon) {
  const auto rows =
      parse_protocols(only("2002-Name       Proto      Table      State  Since         Info\n"
                           "1002-dn42_1     BGP        ---        start  12:00:00.000  Active\n"
                           " dn42_2     BGP        ---        start  12:00:00.000  Active\n"
                           " dn42_3     BGP        ---        up     12:00:00.000  Established\n0000 \n"));
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 3u);
  const auto place = [](const SharedText& text) { return static_cast<const void*>(text.view().data()); };
  EXPECT_EQ(place((*rows)[0].proto), place((*rows)[2].proto));
  EXPECT_EQ(place((*rows)[0].info), place((*rows)[1].info));
  EXPECT_EQ((*rows)[2].state, "up");
  EXPECT_EQ((*rows)[2].info, "Established");
}

TEST(Protocols, ReadsOtherTimeFormatsLongNamesAndReasons) {
  const auto rows =
      parse_protocols(only("2002-Name       Proto      Table      State  Since         Info\n"
                           "1002-dn42_4242420001 BGP        ---        start  2026-11-23 12:23:14  Active        "
                           "Socket: Connection refused\n"
                           " d          Device     ---        up     2026-11-23    \n"
                           " k          Kernel     master4    down   \n0000 \n"));
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 3u);
  EXPECT_EQ((*rows)[0].name, "dn42_4242420001");
  EXPECT_EQ((*rows)[0].since, "2026-11-23 12:23:14");
  EXPECT_EQ((*rows)[0].info, "Active        Socket: Connection refused");
  EXPECT_EQ((*rows)[1].since, "2026-11-23");
  EXPECT_EQ((*rows)[1].info, "");
  EXPECT_EQ((*rows)[2].state, "down");
  EXPECT_FALSE(parse_protocols(only("1002-name BGP\n0000 \n")));
  EXPECT_FALSE(parse_protocols(only("9001 syntax error\n")));
}

TEST(ConfigError, ReadsPathsWithColonsAndBlanks) {
  const auto error = parse_config_error(only("8002 /etc/a: b/c:d.conf:12:3 unexpected x: y\n"));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->file, "/etc/a: b/c:d.conf");
  EXPECT_EQ(error->line, 12);
  EXPECT_EQ(error->text, "unexpected x: y");
  EXPECT_EQ(parse_config_error(only("8002 words\n"))->text, "words");
}

}  // namespace
}  // namespace moenet::bird
