#include "agent/tools_question.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace moenet::agent {
namespace {

IpAddress address(const char* text) { return IpAddress::parse(text).value(); }

std::string body(std::string_view target) { return boost::json::serialize(boost::json::object{{"target", target}}); }

TEST(ToolQuestion, IsReadIntoValues) {
  const IpAddress v4 = address("172.20.0.53");
  const IpAddress v6 = address("fd42::1");
  const HostName name{"a-1.dn42"};
  const ScopedAddress scoped{address("fe80::1"), "dn42_x.7"};
  const std::tuple<Tool, std::string_view, ToolQuestion> table[] = {
      {Tool::ping, R"({"target":"172.20.0.53"})", PingQuestion{v4}},
      {Tool::trace, R"({"target":"fd42::1"})", TraceQuestion{v6}},
      {Tool::path, R"({"target":"a-1.dn42"})", PathQuestion{name}},
      {Tool::tcping, R"({"target":"a-1.dn42:179"})", TcpingQuestion{name, 179}},
      {Tool::tcping, R"({"target":"[fd42::1]:53"})", TcpingQuestion{v6, 53}},
      {Tool::tcping, R"({"target":"fd42::1","port":53})", TcpingQuestion{v6, 53}},
      {Tool::ping, R"({"target":"fe80::1%dn42_x.7"})", PingQuestion{scoped}},
      {Tool::trace, R"({"target":"FE80:0::1%dn42_x.7"})", TraceQuestion{scoped}},
      {Tool::tcping, R"({"target":"[fe80::1%dn42_x.7]:179"})", TcpingQuestion{scoped, 179}},
      {Tool::tcping, R"({"target":"fe80::1%dn42_x.7","port":179})", TcpingQuestion{scoped, 179}},
      {Tool::ping, R"({"target":"169.254.0.1"})", PingQuestion{address("169.254.0.1")}},
      {Tool::route, R"({"target":"fe80::1"})", RouteQuestion{address("fe80::1")}},
      {Tool::route, R"({"target":"172.20.0.0/14"})", RouteQuestion{IpPrefix::parse("172.20.0.0/14").value()}},
      {Tool::route, R"({"target":"fd42::1"})", RouteQuestion{address("fd42::1")}},
      {Tool::route, R"({"target":"a-1.dn42"})", RouteQuestion{HostName{"a-1.dn42"}}},
      {Tool::dig, R"({"target":"a-1.dn42"})", DigQuestion{"a-1.dn42", net::DnsType::a, {}}},
      {Tool::dig, R"({"target":"172.20.0.53"})", DigQuestion{"53.0.20.172.in-addr.arpa", net::DnsType::ptr, {}}},
      {Tool::dig, R"({"target":"_x.dn42","type":"txt","server":"fd42::1"})",
       DigQuestion{"_x.dn42", net::DnsType::txt, address("fd42::1")}},
  };
  for (const auto& [tool, text, expected] : table) {
    const auto question = read_tool_question(tool, text);
    ASSERT_TRUE(question) << text << question.error().what;
    EXPECT_EQ(*question, expected) << text;
  }
}

// What a shell, BIRD or a C string would take for more than a target is none, whatever the tool.
TEST(ToolQuestion, HostileTargetsAreRefused) {
  const std::string targets[] = {"",
                                 "; rm -rf /",
                                 "172.20.0.53; reboot",
                                 "$(reboot)",
                                 "`reboot`",
                                 "a|b",
                                 "172.20.0.53\nshow memory",
                                 "172.20.0.53\r",
                                 "show memory",
                                 "all",
                                 "172.20.0.53 all",
                                 "172.20.0.53/99",
                                 std::string("172.20.0.53\0x", 13),
                                 "-c1000",
                                 "../../etc/passwd",
                                 "a\"b",
                                 "fe80::1%",
                                 "fe80::1%eth0; reboot",
                                 "fe80::1%../eth0",
                                 "fe80::1%eth0%eth1",
                                 "fe80::1%all",
                                 "fe80::1%interface_name16",
                                 "fe80::1/64%eth0",
                                 "fd42::1%eth0",
                                 "169.254.0.1%eth0",
                                 "a.dn42%eth0",
                                 "%eth0",
                                 "\xff\xfe",
                                 std::string(10'240, 'a'),
                                 std::string(254, '1')};
  for (const auto& target : targets) {
    for (const Tool tool : kTools) {
      if (target == "all" && tool != Tool::tcping) continue;  // a name as good as any: it goes to the resolver
      const auto question = read_tool_question(tool, body(target));
      ASSERT_FALSE(question) << name_of(tool) << ": " << target;
      EXPECT_EQ(question.error().code, Errc::invalid);
      EXPECT_LT(question.error().what.size(), 300u) << "it is not thrown back whole";
      EXPECT_EQ(question.error().what.find('\n'), std::string::npos);
    }
  }
}

TEST(ToolQuestion, ALinkLocalAddressNeedsItsLinkAndOnlyWhatGoesThereTakesIt) {
  const std::string text =
      "target: '{}' is not a link-local address with an interface of this agent's, as in fe80::1%dn42_1";
  const auto expected = [&](std::string_view target) { return std::string(text).replace(text.find("{}"), 2, target); };
  for (const Tool tool : {Tool::ping, Tool::trace}) {
    EXPECT_EQ(read_tool_question(tool, body("fe80::1")).error().what, expected("fe80::1"));
    EXPECT_EQ(read_tool_question(tool, body("fd42::1%eth0")).error().what, expected("fd42::1%eth0"));
  }
  EXPECT_EQ(read_tool_question(Tool::tcping, body("[fe80::1]:179")).error().what, expected("[fe80::1]:179"));
  EXPECT_EQ(no_link_of_ours("fe80::1%eth0").what, expected("fe80::1%eth0")) << "one error, whoever finds it";
  for (const std::string target : {"[fe80::1%dn42_1]:0", "[fe80::1%dn42_1]:x", "[fe80::1%dn42_1]", "fe80::1%dn42_1",
                                   "[fe80::1%dn42_1]:179]:180", "fe80::1]%dn42_1:179"})
    EXPECT_FALSE(read_tool_question(Tool::tcping, body(target))) << target;
  for (const Tool tool : {Tool::route, Tool::path, Tool::dig, Tool::mtu})
    EXPECT_FALSE(read_tool_question(tool, body("fe80::1%dn42_1"))) << name_of(tool);
}

TEST(ToolQuestion, RefusesWhatIsNoQuestion) {
  const std::pair<Tool, std::string_view> table[] = {
      {Tool::ping, ""},
      {Tool::ping, "[]"},
      {Tool::ping, R"({"target":["172.20.0.53"]})"},
      {Tool::ping, R"({"target":"224.0.0.1"})"},
      {Tool::ping, R"({"target":"ff02::1"})"},
      {Tool::trace, R"({"target":"::"})"},
      {Tool::ping, R"({"target":"172.20.0.0/14"})"},
      {Tool::ping, R"({"target":"a.dn42:80"})"},
      {Tool::path, R"({"target":"172.20.0.0/14"})"},
      {Tool::route, R"({"target":"172.20.0.1/14"})"},
      {Tool::tcping, R"({"target":"a.dn42"})"},
      {Tool::tcping, R"({"target":"a.dn42:0"})"},
      {Tool::tcping, R"({"target":"a.dn42","port":65536})"},
      {Tool::dig, R"({"target":"a.dn42","type":"AXFR"})"},
      {Tool::dig, R"({"target":"a.dn42","server":"ns.dn42"})"},
      {Tool::dig, R"({"target":"a.dn42","server":"224.0.0.251"})"},
  };
  for (const auto& [tool, text] : table) EXPECT_FALSE(read_tool_question(tool, text)) << name_of(tool) << text;
}

}  // namespace
}  // namespace moenet::agent
