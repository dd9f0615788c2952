#include "bird/protocol_order.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "bird/client.h"
#include "bird/real_bird.h"

namespace moenet::bird {
namespace {

using Kind = ProtocolOrder::Kind;

constexpr Version kBird2{2, 0, 12};

Reply reply_of(int code) { return {{{code, "words"}, {0, ""}}}; }

TEST(ProtocolOrder, QuotesNameAndMessage) {
  EXPECT_EQ(command_of({Kind::disable, "dn42_1", "back at 20:00 UTC"}, kBird2),
            "disable \"dn42_1\" \"back at 20:00 UTC\"");
  EXPECT_EQ(command_of({Kind::disable, "dn42_1", ""}, kBird2), "disable \"dn42_1\"");
  EXPECT_EQ(command_of({Kind::enable, "dn42_1", "not sent"}, kBird2), "enable \"dn42_1\"");
  EXPECT_EQ(command_of({Kind::restart, "dn42_1", ""}, kBird2), "restart \"dn42_1\"");
  EXPECT_EQ(command_of({Kind::retake, "dn42_1", ""}, {2, 17, 6}), "reload in \"dn42_1\"");
  EXPECT_EQ(command_of({Kind::retake, "dn42_1", ""}, {3, 1, 8}), "reload filters in \"dn42_1\"");
}

TEST(ProtocolOrder, ARepetitionIsObeyedAndARestartOfNothingIsNot) {
  const std::pair<Kind, std::vector<int>> obeyed[] = {
      {Kind::disable, {8, 9, 8003}}, {Kind::enable, {10, 11, 8003}}, {Kind::restart, {12}}, {Kind::retake, {15}}};
  for (const auto& [kind, codes] : obeyed) {
    for (const int code : {8, 9, 10, 11, 12, 15, 8003, 8006, 8007, 9001}) {
      const bool expected = std::ranges::find(codes, code) != codes.end();
      EXPECT_EQ(outcome_of({kind, "dn42_1", ""}, reply_of(code)).has_value(), expected)
          << command_of({kind, "x", ""}, kBird2) << code;
    }
  }
  EXPECT_EQ(outcome_of({Kind::restart, "dn42_1", ""}, reply_of(8003)).error().code, Errc::not_found);
  EXPECT_EQ(outcome_of({Kind::restart, "dn42_1", ""}, reply_of(8)).error().code, Errc::conflict);
  EXPECT_EQ(outcome_of({Kind::enable, "dn42_1", ""}, reply_of(8007)).error().code, Errc::denied);
}

TEST(ShutdownMessage, IsOneStringOfBirds) {
  for (const std::string& good :
       {std::string(), std::string(128, 'x'), std::string("zurück um 8 – danke"), std::string("a\\b;'")})
    EXPECT_TRUE(check_shutdown_message(good)) << good;
  for (const std::string& bad :
       {std::string(129, 'x'), std::string("a\"b"), std::string("a\nb"), std::string("a\0b", 3), std::string("\x7f"),
        std::string("\xc2\x85"), std::string("\xff"), std::string("\xed\xa0\x80")}) {
    const auto checked = check_shutdown_message(bad);
    ASSERT_FALSE(checked) << bad;
    EXPECT_EQ(checked.error().code, Errc::invalid);
  }
}

// Two speakers in one BIRD: what the one sends, the other shows.
class ProtocolOrders : public testing::TestWithParam<BirdProgram> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(GetParam().is_there()) << GetParam().path << " is missing: ./dev setup, and ./dev test unpack it";
  }
};
INSTANTIATE_TEST_SUITE_P(Bird, ProtocolOrders, testing::ValuesIn(bird_programs()), name_of_program);

constexpr const char* kTwoSpeakers = R"(router id 10.0.0.1;
protocol device { }
protocol bgp dn42_1 { local 127.0.0.1 port 1790 as 64512; neighbor 127.0.0.2 port 1791 as 64513; multihop; strict bind;
  connect delay time 1; connect retry time 1; error wait time 1, 2; ipv4 { import none; export none; }; }
protocol bgp far_end { local 127.0.0.2 port 1791 as 64513; neighbor 127.0.0.1 port 1790 as 64512; multihop; strict bind;
  passive; connect delay time 1; connect retry time 1; error wait time 1, 2; ipv4 { import none; export none; }; }
)";

TEST_P(ProtocolOrders, TheNeighborReadsWhyAndTheSessionComesBack) {
  RealBird bird(GetParam().path);
  write_file(bird.main(), kTwoSpeakers);
  bird.start();
  auto client = BirdClient::connect(bird.socket(), soon(), {});
  ASSERT_TRUE(client);
  const auto ask = [&](const std::string& command) { return client->ask(command, soon(), {}).value(); };
  const auto give = [&](const ProtocolOrder& order) {
    return outcome_of(order, ask(command_of(order, client->version())));
  };
  const auto is_up = [&] {  // at both ends
    const auto ends = parse_protocols(ask("show protocols")).value();
    return std::ranges::count_if(ends, &ProtocolStatus::is_established) == 2;
  };
  wait_until("BGP", is_up);
  const std::string message = "zurück um 20:00 – it's the kernel; ask #moenet \\o/";
  ASSERT_TRUE(check_shutdown_message(message));
  EXPECT_TRUE(give({Kind::disable, "dn42_1", message}));
  wait_until("the neighbor's view",
             [&] { return ask("show protocols all far_end").text().find(message) != std::string::npos; });
  wait_until("it is down", [&] {  // BIRD 3 flushes first
    return parse_protocols(ask("show protocols \"dn42_1\"")).value().at(0).state == "down";
  });
  EXPECT_TRUE(give({Kind::disable, "dn42_1", message})) << "it is down already";
  EXPECT_EQ(give({Kind::restart, "dn42_1", ""}).error().code, Errc::conflict);
  EXPECT_TRUE(give({Kind::enable, "dn42_1", ""}));
  EXPECT_TRUE(give({Kind::enable, "dn42_1", ""}));
  wait_until("BGP again", is_up);
  EXPECT_TRUE(give({Kind::restart, "dn42_1", ""}));
  wait_until("it falls", [&] { return !is_up(); });
  wait_until("BGP after the restart", is_up);
  EXPECT_TRUE(give({Kind::disable, "dn42_2", message})) << "what is not there is not up";
  EXPECT_EQ(give({Kind::restart, "dn42_2", ""}).error().code, Errc::not_found);
}

}  // namespace
}  // namespace moenet::bird
