#include "bird/protocol_detail.h"

#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "bird/fixture.h"

namespace moenet::bird {
namespace {

using Protocols = std::map<std::string, ProtocolDetail>;

Protocols read(const std::string& version, const std::string& name) {
  Protocols by_name;
  const auto all = parse_protocol_details(only(fixture(version, name)));
  EXPECT_TRUE(all) << all.error().what;
  if (!all) return by_name;
  for (const ProtocolDetail& each : *all) by_name.emplace(each.status.name, each);
  EXPECT_EQ(by_name.size(), all->size());
  return by_name;
}

class Details : public testing::TestWithParam<const char*> {
 protected:
  bool is_bird3() const { return GetParam()[0] == '3'; }
};
INSTANTIATE_TEST_SUITE_P(Bird, Details, testing::ValuesIn(kVersions));

TEST_P(Details, OfAnEstablishedSessionAreItsNeighborChannelsAndLimits) {
  const ProtocolDetail up = read(GetParam(), "faults").at("dn42_up");
  EXPECT_TRUE(up.status.is_established());
  EXPECT_EQ(up.bgp_state, "Established");
  EXPECT_EQ(up.neighbor_address, "fe80::2%dn42_0");
  EXPECT_EQ(up.neighbor_as, 4242420100u);
  EXPECT_EQ(up.local_as, 4242420000u);
  EXPECT_EQ(up.last_error, "");
  EXPECT_EQ(up.message, "");
  ASSERT_EQ(up.channels.size(), 2u);
  ChannelDetail expected = up.channels[0];  // how many are exported hangs on who was first
  expected.name = "ipv4";
  expected.state = "UP";
  expected.imported = 4;
  expected.filtered = 1;
  expected.preferred = 0;
  expected.import_updates_rejected = 1;
  expected.receive_limit = ChannelLimit{10000, false, "block"};
  expected.import_limit = ChannelLimit{9000, false, "block"};
  expected.export_limit = ChannelLimit{5000, false, "warn"};
  EXPECT_EQ(up.channels[0], expected);
  EXPECT_GE(up.channels[0].exported, 8u);
  EXPECT_EQ(up.channels[1].name, "ipv6");
  EXPECT_EQ(up.channels[1].imported, 1u);
  EXPECT_EQ(up.channels[1].filtered, 1u);
}

TEST_P(Details, TellWhatWentWrong) {
  const Protocols all = read(GetParam(), "faults");
  const std::pair<const char*, const char*> errors[] = {
      {"refused", "Socket: Connection refused"},
      {"their_as", "BGP Error: Bad peer AS"},
      {"our_as", "Received: Bad peer AS"},
      {"bfd", "Error: BFD session down"},
      {"cable", "Error: Link down"},
      {"hold", "BGP Error: Hold timer expired"},
      {"disabled", ""},
      {"families", "BGP Error: Required capability missing"},
      {"passive", ""},
      {"limit_import_disable", "Automatic shutdown: Route limit exceeded"},
      {"shut", "Socket: Connection refused"},
      {"limit_export_restart", "Automatic shutdown: Route limit exceeded"},
  };
  for (const auto& [name, error] : errors) EXPECT_EQ(all.at(std::string("dn42_") + name).last_error, error) << name;
  EXPECT_EQ(all.at("dn42_shut").message, "maintenance till 5");
  EXPECT_EQ(all.at("dn42_disabled_reason").message, "we moved");
  EXPECT_EQ(all.at("dn42_disabled").status.state, "down");
  EXPECT_EQ(all.at("dn42_disabled").bgp_state, "Down");
  EXPECT_EQ(all.at("dn42_passive").bgp_state, "Passive");
  EXPECT_EQ(all.at("dn42_their_as").neighbor_as, 4242429000u);
  const Protocols at_once = read(GetParam(), "faults_at_once");
  EXPECT_EQ(at_once.at("dn42_shut").last_error, "Received: Administrative shutdown");
  EXPECT_EQ(at_once.at("dn42_shut").message, "maintenance till 5");
  EXPECT_EQ(at_once.at("dn42_shut_silently").message, "");
}

TEST_P(Details, TellWhichLimitIsHitAndWhatItDoes) {
  const Protocols all = read(GetParam(), "faults");
  for (const std::string kind : {"import", "receive", "export"}) {
    for (const std::string action : {"block", "disable", "restart", "warn"}) {
      const auto found = all.find("dn42_limit_" + kind + "_" + action);
      if (found == all.end()) continue;  // `warn` was asked of imports only
      const ChannelDetail& channel = found->second.channels.at(0);
      const auto& limit = kind == "import"    ? channel.import_limit
                          : kind == "receive" ? channel.receive_limit
                                              : channel.export_limit;
      ASSERT_TRUE(limit) << kind << " " << action;
      EXPECT_EQ(limit->routes, 2u);
      EXPECT_EQ(limit->action, action);
      const bool comes_and_goes = is_bird3() && kind == "export" && action == "block";
      if (!comes_and_goes) {
        EXPECT_EQ(limit->is_hit, !(is_bird3() && action == "warn")) << kind << " " << action;
      }
      EXPECT_EQ(found->second.status.is_established(), action == "block" || action == "warn") << kind << " " << action;
    }
  }
  EXPECT_EQ(all.at("dn42_limit_import_block").channels[0].import_updates_rejected, is_bird3() ? 3u : 0u);
  EXPECT_EQ(all.at("dn42_limit_receive_block").channels[0].import_updates_rejected, is_bird3() ? 3u : 0u);
  const auto blocked = [&](std::string_view of) {
    return all.at("dn42_limit_" + std::string(of)).channels[0].import_updates_blocked;
  };
  EXPECT_EQ(blocked("import_block"), is_bird3() ? std::optional(std::uint64_t{3}) : std::nullopt);
  EXPECT_EQ(blocked("receive_block"), is_bird3() ? std::optional(std::uint64_t{0}) : std::nullopt);
  EXPECT_EQ(blocked("import_warn"), is_bird3() ? std::optional(std::uint64_t{0}) : std::nullopt);
}

TEST_P(Details, ALimitIsAtWorkOfWhichTheNeighborSendsTooMuch) {
  for (const auto& [name, protocol] : read(GetParam(), "faults")) {
    for (const ChannelDetail& channel : protocol.channels) {
      for (const auto which : {&ChannelDetail::receive_limit, &ChannelDetail::import_limit}) {
        const bool is_hit = channel.*which && (channel.*which)->is_hit;
        EXPECT_EQ(is_at_work(protocol, channel, which), is_hit) << name;
      }
    }
  }
}

// What capture_limit_marks.py did to each session stands there.
TEST_P(Details, AMarkOutlastsTheLimitThatWasHit) {
  enum Mark { kNone, kStale, kTrue };
  struct Row {
    const char* name;
    Mark bird2, bird3;
  };
  const auto expect = [&](const char* fixture_name, const std::vector<Row>& rows) {
    const Protocols all = read(GetParam(), fixture_name);
    ASSERT_EQ(all.size(), rows.size());
    for (const Row& row : rows) {
      const ProtocolDetail& protocol = all.at(std::string("dn42_limit_") + row.name);
      const ChannelDetail& channel = protocol.channels.at(0);
      const auto which = channel.receive_limit ? &ChannelDetail::receive_limit : &ChannelDetail::import_limit;
      ASSERT_TRUE(channel.*which) << row.name;
      const Mark mark = is_bird3() ? row.bird3 : row.bird2;
      EXPECT_EQ((channel.*which)->is_hit, mark != kNone) << fixture_name << " " << row.name;
      EXPECT_EQ(is_at_work(protocol, channel, which), mark == kTrue) << fixture_name << " " << row.name;
      EXPECT_EQ(is_any_limit_at_work(protocol), mark == kTrue) << fixture_name << " " << row.name;
    }
  };
  expect("limit_marks", {{"fewer", kTrue, kStale},
                         {"graceful", kTrue, kStale},
                         {"raised", kTrue, kTrue},  // not yet
                         {"lowered", kNone, kNone},
                         {"exact", kTrue, kTrue},
                         {"warn_fewer", kStale, kNone},
                         {"link_down", kStale, kStale},
                         {"disable", kTrue, kTrue},
                         {"receive_fewer", kTrue, kStale},
                         {"over_again", kNone, kNone}});
  // A `configure` takes the mark from every limit of BIRD 2's that has fewer routes or as many.
  expect("limit_marks_configured", {{"fewer", kNone, kStale},
                                    {"graceful", kNone, kStale},
                                    {"raised", kNone, kStale},
                                    {"lowered", kTrue, kTrue},
                                    {"exact", kNone, kTrue},
                                    {"warn_fewer", kNone, kNone},
                                    {"link_down", kNone, kStale},
                                    {"disable", kTrue, kTrue},
                                    {"receive_fewer", kNone, kStale},
                                    {"over_again", kNone, kNone}});
}

TEST(ProtocolDetails, AMarkIsNoReasonWhereASessionIsUpOrDownForAnother) {
  ProtocolDetail session;
  session.status.state = "start";
  session.last_error = "Automatic shutdown: Route limit exceeded";
  session.channels.emplace_back().export_limit = ChannelLimit{2, true, "restart"};
  session.channels[0].exported = 2;
  const auto is_hit = [&] { return is_at_work(session, session.channels[0], &ChannelDetail::export_limit); };
  EXPECT_TRUE(is_hit());
  session.last_error = "Socket: Connection refused";
  EXPECT_FALSE(is_hit());
  session.status.state = "up";
  session.status.info = "Established";
  EXPECT_FALSE(is_hit()) << "it would have been restarted";
  session.channels[0].export_limit->action = "block";
  session.channels[0].import_updates_blocked = 0;  // BIRD 3
  EXPECT_TRUE(is_hit());
  session.channels[0].exported = 1;
  EXPECT_FALSE(is_hit());
}

// Where what is filtered is kept, 3.1.8 counts what a limit blocked in no column (its numbers of 4 routes, a limit of
// 2, one that the filter refuses).
TEST(ProtocolDetails, KnowHowManyUpdatesALimitBlockedThatCountsNone) {
  const auto details = parse_protocol_details(
      {{{1002, "dn42_1     BGP        ---        up     12:00:00.000  Established   "},
        {1006, "  Channel ipv4"},
        {1006,
         "      Import updates:              8          0          2          1          0          0          4"},
        {0, ""}}});
  ASSERT_TRUE(details) << details.error().what;
  EXPECT_EQ(details->at(0).channels.at(0).import_updates_blocked, 1u);
}

TEST_P(Details, OfOtherProtocolsAreTheirChannels) {
  const Protocols all = read(GetParam(), "faults");
  for (const char* name : {"device1", "s4", "mesh", "lo", "k4", "cache", "p", "described"}) {
    EXPECT_EQ(all.at(name).bgp_state, "") << name;
    EXPECT_FALSE(all.at(name).neighbor_as) << name;
  }
  EXPECT_TRUE(all.at("device1").channels.empty());
  EXPECT_EQ(all.at("s4").channels.at(0).imported, 7u);
  EXPECT_EQ(all.at("mesh").channels.size(), 2u);
  EXPECT_EQ(all.at("k4").channels.at(0).imported, 0u);
  EXPECT_GT(all.at("k4").channels.at(0).exported, 10u);
  EXPECT_EQ(all.at("cache").channels.at(0).name, "roa4");
  EXPECT_EQ(all.at("p").channels.at(0).exported, 2u);
  EXPECT_EQ(all.at("described").channels.at(0).imported, 1u) << "and not the 5 of its description";
  EXPECT_EQ(all.at("ibgp_far").neighbor_as, all.at("ibgp_far").local_as);
}

TEST_P(Details, RoutesOfAllChannelsAreCountedTogether) {
  const Protocols all = read(GetParam(), "show_protocols_all_bgp");
  EXPECT_EQ(route_counts_of(all.at("dn42_x")), (model::RouteCounts{"dn42_x", 2, 0, 6, 2}));
  EXPECT_TRUE(read(GetParam(), "show_protocols_pattern_nomatch").empty());
}

TEST_P(Details, AgreeWithTheRowsAlone) {
  const Reply reply = only(fixture(GetParam(), "faults"));
  const auto rows = parse_protocols(reply).value();
  const auto details = parse_protocol_details(reply).value();
  ASSERT_EQ(rows.size(), details.size());
  for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(rows[i], details[i].status);
}

// Of each protocol that is whole in it, a reply that ends anywhere says what the whole one does.
TEST_P(Details, OfACutReplyAreThoseOfItsBeginning) {
  const std::string bytes = fixture(GetParam(), "faults");
  const auto whole = parse_protocol_details(only(bytes)).value();
  for (std::size_t end = 0; end < bytes.size(); ++end) {
    const std::string text = bytes.substr(0, end) + "\n0000 \n";
    ReplyReader reader;
    if (!reader.feed(text)) continue;  // within a code
    const auto reply = reader.next();
    ASSERT_TRUE(reply) << end;
    const auto details = parse_protocol_details(*reply);
    if (!details || details->size() < 2) continue;  // within a row or a word
    ASSERT_LE(details->size(), whole.size());
    const std::size_t last = details->size() - 2;
    ASSERT_EQ((*details)[last], whole[last]) << end;
  }
}

Reply session_with(const std::string& lines) {
  return only("2002-Name\n1002-dn42_1 BGP --- up 12:00 Established\n1006-  BGP state:          Established\n" + lines +
              "0000 \n");
}

TEST(ProtocolDetails, RefuseWhatIsNoNumberAndNameTheLine) {
  for (const char* line :
       {"     Neighbor AS:      x\n", "     Local AS:         4294967296\n", "     Neighbor AS:      12x\n",
        "   Channel ipv4\n     Routes:         x imported\n", "   Channel ipv4\n     Import limit:   \n",
        "   Channel ipv4\n     Routes:         99999999999999999999 imported\n",
        "   Channel ipv4\n       Import updates:              1          x\n"}) {
    const auto details = parse_protocol_details(session_with(line));
    ASSERT_FALSE(details) << line;
    EXPECT_EQ(details.error().code, Errc::invalid);
    EXPECT_NE(details.error().what.find("dn42_1"), std::string::npos) << details.error().what;
  }
  EXPECT_FALSE(parse_protocol_details(only("1002-\n0000 \n")));
  EXPECT_EQ(parse_protocol_details(only("9001 syntax error\n")).error().code, Errc::internal);
}

TEST(ProtocolDetails, PassOverWhatNobodyKnows) {
  const auto details = parse_protocol_details(
      session_with("     Neighbor AS:      0\n     Novel:            x\n   Channel ipv4\n"
                   "     Routes:         5 imported, 1 novel, 7 exported\n     Import limit:   -294967296 [HIT]\n"
                   "     Hostname: Routes: 9 imported\n       Import updates:          8          1          2\n"));
  ASSERT_TRUE(details) << details.error().what;
  const ProtocolDetail& session = details->at(0);
  EXPECT_FALSE(session.neighbor_as);
  EXPECT_EQ(session.channels.at(0).imported, 5u);
  EXPECT_EQ(session.channels[0].exported, 7u);
  EXPECT_EQ(session.channels[0].import_updates_rejected, 3u);
  EXPECT_EQ(session.channels[0].import_limit, (ChannelLimit{4000000000, true, ""}));
  EXPECT_TRUE(parse_protocol_details(only("1006-  BGP state: Idle\n0000 \n"))->empty());
}

}  // namespace
}  // namespace moenet::bird
