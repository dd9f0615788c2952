#include "agent/looking_glass.h"

#include <gtest/gtest.h>

#include "agent/tools_work.h"

namespace moenet::agent {
namespace {

IpAddress address(const char* text) { return IpAddress::parse(text).value(); }

TEST(LookingGlass, ReachesTheNetworkAndNothingElseUnlessItsOperatorSaysSo) {
  LookingGlassSettings settings;
  for (const char* text : {"172.20.0.53", "172.23.255.255", "10.100.0.1", "10.127.1.1", "fd42:d42:d42:54::1"})
    EXPECT_TRUE(settings.may_reach(address(text))) << text;
  for (const char* text : {"172.24.0.1", "192.168.1.1", "10.0.0.1", "192.0.2.1", "2001:db8::1", "fe80::1", "::1"})
    EXPECT_FALSE(settings.may_reach(address(text))) << text;
  settings.targets = {IpPrefix::parse("0.0.0.0/0").value(), IpPrefix::parse("::/0").value()};
  for (const char* text : {"192.0.2.1", "2001:db8::1", "192.168.1.1"})
    EXPECT_TRUE(settings.may_reach(address(text))) << text;
  for (const char* text : {"127.0.0.1", "::1", "::ffff:127.0.0.1", "::ffff:172.20.0.53", "169.254.169.254", "fe80::1",
                           "224.0.0.1", "ff02::1", "0.0.0.0", "::"})
    EXPECT_FALSE(settings.may_reach(address(text))) << text;
}

TEST(LookingGlass, OffersRoutesAndEchoesUnlessSaidOtherwise) {
  LookingGlassSettings settings;
  EXPECT_EQ(settings.offered(), (std::vector<std::string>{"route", "path", "ping"}));
  EXPECT_FALSE(settings.offers(Tool::tcping));
  settings.enabled = false;
  EXPECT_TRUE(settings.offered().empty());
  EXPECT_FALSE(settings.offers(Tool::route));
}

// Nothing is sent: the socket of BIRD is not there, and no packet leaves for an address that is refused.
TEST(LookingGlass, WhatMayNotBeReachedIsNotAskedByAnyTool) {
  ToolWork work("/nonexistent", [](const IpAddress& at) { return at == address("172.20.0.53"); });
  const auto answer = [&](ToolQuestion question) {
    return work.answer(question, Deadline::after(std::chrono::seconds(1)), {}).error().code;
  };
  const IpAddress host = address("127.0.0.1");
  EXPECT_EQ(answer(PingQuestion{host}), Errc::denied);
  EXPECT_EQ(answer(TcpingQuestion{host, 22}), Errc::denied);
  EXPECT_EQ(answer(TraceQuestion{host}), Errc::denied);
  EXPECT_EQ(answer(MtuQuestion{host}), Errc::denied);
  EXPECT_EQ(answer(DigQuestion{"a.dn42", net::DnsType::a, address("127.0.0.1")}), Errc::denied);
  EXPECT_EQ(answer(RouteQuestion{address("127.0.0.1")}), Errc::unavailable) << "BIRD alone is asked";
  EXPECT_EQ(answer(PathQuestion{host}), Errc::unavailable);
}

}  // namespace
}  // namespace moenet::agent
