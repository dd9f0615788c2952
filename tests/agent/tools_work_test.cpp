#include "agent/tools_work.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "base/fd.h"
#include "net/icmp_far_end.h"

namespace moenet::agent {
namespace {

using net::testing::IcmpFarEnd;
using net::testing::reply_after;
using net::testing::SeenEcho;
using net::testing::soon;

IpAddress address(const char* text) { return IpAddress::parse(text).value(); }

std::string text_of(const boost::json::value& value) { return std::string(value.get_string()); }

Result<ToolAnswer> answer(const ToolQuestion& question) {
  ToolWork work("/nowhere/bird.ctl");
  return work.answer(question, soon(), {});
}

// A link of the agent's, with somebody at every address behind it; fe80::fffe is the link's own.
class OnALink : public ::testing::Test {
 protected:
  void SetUp() override { mark("far0", "moenet-agent session/00000000-0000-4000-8000-000000000001"); }
  static void mark(const char* link, const char* alias) {
    ASSERT_EQ(net::testing::run_program({"ip", "link", "set", link, "alias", alias}), 0);
  }

  IcmpFarEnd far_{
      [](const SeenEcho& echo) { return net::testing::Doings{reply_after(echo, std::chrono::milliseconds(1))}; }};
};

TEST_F(OnALink, EchoesGoThroughTheLinkThatIsNamed) {
  const ScopedAddress target{address("fe80::1"), "far0"};
  const auto ping = answer(PingQuestion{target});
  ASSERT_TRUE(ping) << ping.error().what;
  EXPECT_EQ(ping->data.at("received"), 5);
  EXPECT_EQ(text_of(ping->data.at("target")), "fe80::1%far0");
  const auto trace = answer(TraceQuestion{target});
  ASSERT_TRUE(trace) << trace.error().what;
  EXPECT_EQ(trace->data.at("reached"), true);
  EXPECT_EQ(text_of(trace->data.at("target")), "fe80::1%far0");
}

TEST_F(OnALink, ConnectionsToo) {
  const UniqueFd door(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 here{};
  here.sin6_family = AF_INET6;
  ASSERT_EQ(::bind(door.get(), reinterpret_cast<const sockaddr*>(&here), sizeof here), 0);
  ASSERT_EQ(::listen(door.get(), 8), 0);
  socklen_t size = sizeof here;
  ASSERT_EQ(::getsockname(door.get(), reinterpret_cast<sockaddr*>(&here), &size), 0);
  const std::uint16_t port = ntohs(here.sin6_port);
  const auto found = answer(TcpingQuestion{ScopedAddress{address("fe80::fffe"), "far0"}, port});
  ASSERT_TRUE(found) << found.error().what;
  EXPECT_EQ(found->data.at("connected"), 3);
  EXPECT_EQ(text_of(found->data.at("target")), "[fe80::fffe%far0]:" + std::to_string(port));
}

TEST_F(OnALink, ThatIsNotOursNobodyIsAsked) {
  const auto refusal = [](const char* link) {
    const ScopedAddress target{address("fe80::1"), link};
    for (const ToolQuestion& question : {ToolQuestion(PingQuestion{target}), ToolQuestion(TraceQuestion{target}),
                                         ToolQuestion(TcpingQuestion{target, 1})}) {
      const auto found = answer(question);
      ASSERT_FALSE(found);
      EXPECT_EQ(found.error(), no_link_of_ours(target.text()));
    }
  };
  refusal("lo");
  refusal("nowhere");
  mark("far0", "somebody's");
  refusal("far0");
}

}  // namespace
}  // namespace moenet::agent
