#include "net/link.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <thread>

#include <gtest/gtest.h>

#include "net/namespaces.h"

namespace moenet::net {
namespace {

using testing::soon;

// Links of kind ifb need no parameters, have addresses, and exist where dummy does not.
class LinkTest : public ::testing::Test {
 protected:
  void TearDown() override {
    const auto links = list_links(socket_, soon()).value();
    for (const auto& link : links) {
      if (link.name != "lo") (void)delete_link(socket_, link.index, link.name, soon());
    }
  }

  int make(std::string_view name, std::string_view alias = "moenet test") {
    return create_link(socket_, name, "ifb", alias, soon()).value();
  }
  Link look(std::string_view name) {
    const auto links = list_links(socket_, soon()).value();
    for (const auto& link : links) {
      if (link.name == name) return link;
    }
    ADD_FAILURE() << "no link " << name;
    return {};
  }
  static LinkAddress address(std::string_view text) { return {IpPrefix::parse(text).value(), std::nullopt}; }

  NetlinkSocket socket_ = NetlinkSocket::open(NetlinkFamily::route).value();
};

TEST_F(LinkTest, CreatesALinkThatBearsItsMark) {
  const int index = make("dn42_1", "moenet session/1 [2001:db8::1]:51820");
  const Link link = look("dn42_1");
  EXPECT_EQ(link.index, index);
  EXPECT_EQ(link.kind, "ifb");
  EXPECT_EQ(link.alias, "moenet session/1 [2001:db8::1]:51820");
  EXPECT_FALSE(link.up);
}

TEST_F(LinkTest, RefusesATakenNameAndLeavesItsOwnerAlone) {
  make("dn42_1", "foreign");
  const auto second = create_link(socket_, "dn42_1", "ifb", "ours", soon());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::conflict);
  EXPECT_EQ(look("dn42_1").alias, "foreign");
}

TEST_F(LinkTest, CreatesManyAndTellsWhichOneFailed) {
  make("x5", "foreign");
  std::vector<NewLink> wanted;
  for (int i = 0; i < 40; ++i) wanted.push_back({"x" + std::to_string(i), "mark " + std::to_string(i)});
  const auto results = create_links(socket_, "ifb", wanted, soon());
  ASSERT_EQ(results.size(), 40U);  // 80 messages: more than go out at once
  for (std::size_t i = 0; i < 40; ++i) EXPECT_EQ(results[i].has_value(), i != 5) << i;
  EXPECT_EQ(look("x39").alias, "mark 39");
  EXPECT_EQ(look("x5").alias, "foreign");
  EXPECT_EQ(list_links(socket_, soon()).value().size(), 41U);
}

TEST_F(LinkTest, NamesAKindThatTheKernelLacks) {
  const auto link = create_link(socket_, "dn42_1", "nonesuch", "ours", soon());
  ASSERT_FALSE(link);
  EXPECT_EQ(link.error().code, Errc::invalid);
  EXPECT_NE(link.error().what.find("create link dn42_1 of kind nonesuch"), std::string::npos) << link.error().what;
}

TEST_F(LinkTest, ChangesEveryFieldAndReadsItBack) {
  const int index = make("dn42_1");
  LinkChange change;
  change.alias = "other";
  change.mtu_bytes = 1400;
  change.no_generated_address = true;
  change.add_addresses = {address("fe80::998:1/64"), address("172.22.188.2/32"), address("fd00:4242:7777::1/128")};
  change.up = true;
  const auto done = change_link(socket_, index, "dn42_1", change, soon());
  ASSERT_TRUE(done) << done.error().what;
  const Link link = look("dn42_1");
  EXPECT_EQ(link.alias, "other");
  EXPECT_EQ(link.mtu_bytes, 1400U);
  EXPECT_TRUE(link.up);
  const std::vector<LinkAddress> sorted{address("172.22.188.2/32"), address("fd00:4242:7777::1/128"),
                                        address("fe80::998:1/64")};
  EXPECT_EQ(link.addresses, sorted);
}

TEST_F(LinkTest, KeepsThePeerOfAPointToPointAddress) {
  const int index = make("dn42_1");
  LinkAddress v4 = address("172.22.188.2/32");
  v4.peer = IpAddress::parse("172.20.0.53").value();
  LinkAddress v6 = address("fd00:4242:7777::1/128");
  v6.peer = IpAddress::parse("fd42::2").value();
  LinkChange change;
  change.add_addresses = {v4, v6};
  ASSERT_TRUE(change_link(socket_, index, "dn42_1", change, soon()));
  EXPECT_EQ(look("dn42_1").addresses, (std::vector{v4, v6}));
  change.remove_addresses = std::exchange(change.add_addresses, {});
  ASSERT_TRUE(change_link(socket_, index, "dn42_1", change, soon()));
  EXPECT_TRUE(look("dn42_1").addresses.empty());
}

// A BGP neighbor on a unique local address is reached by this route alone.
TEST_F(LinkTest, ANewLinkRoutesToThePeerOfItsIpv6Address) {
  const int index = make("dn42_1");
  LinkChange change;
  change.add_addresses = {{IpPrefix::parse("fd00::1/128").value(), IpAddress::parse("fd42::5").value()}};
  change.up = true;
  ASSERT_TRUE(change_link(socket_, index, "dn42_1", change, soon()));
  // The kernel makes the route a moment later, when it has found the address to be unique (addrconf_dad_work()).
  const auto has_route = [] {
    std::ifstream routes("/proc/thread-self/net/ipv6_route");
    const std::string text{std::istreambuf_iterator<char>(routes), {}};
    return text.find("fd420000000000000000000000000005 80") != std::string::npos;
  };
  EXPECT_TRUE(testing::eventually(has_route));
}

TEST_F(LinkTest, RepeatingAChangeIsNoError) {
  const int index = make("dn42_1");
  LinkChange change;
  change.add_addresses = {address("172.22.188.2/32"), address("fe80::1/64")};
  change.remove_addresses = {address("172.22.188.9/32"), address("fe80::9/64")};
  ASSERT_TRUE(change_link(socket_, index, "dn42_1", change, soon()));
  const auto again = change_link(socket_, index, "dn42_1", change, soon());
  EXPECT_TRUE(again) << again.error().what;
}

TEST_F(LinkTest, AFailingStepIsNamedAndTheOthersAreDone) {
  const int index = make("dn42_1");
  LinkChange change;
  change.mtu_bytes = 0xFFFF'FFFF;  // negative to the kernel
  change.up = true;
  const auto done = change_link(socket_, index, "dn42_1", change, soon());
  ASSERT_FALSE(done);
  EXPECT_TRUE(done.error().what.starts_with("set the MTU of dn42_1 to 4294967295: ")) << done.error().what;
  EXPECT_TRUE(look("dn42_1").up);
}

TEST_F(LinkTest, ALinkThatIsGoneIsNotFound) {
  const int index = make("dn42_1");
  ASSERT_TRUE(delete_link(socket_, index, "dn42_1", soon()));
  EXPECT_EQ(delete_link(socket_, index, "dn42_1", soon()).error().code, Errc::not_found);
  EXPECT_EQ(index_of(socket_, "dn42_1", soon()).error().code, Errc::not_found);
  LinkChange change;
  change.up = true;
  EXPECT_EQ(change_link(socket_, index, "dn42_1", change, soon()).error().code, Errc::not_found);
}

TEST_F(LinkTest, AnAliasOfTheGreatestLengthIsKept) {
  const std::string alias(255, 'a');
  make("dn42_1", alias);
  EXPECT_EQ(look("dn42_1").alias, alias);
}

TEST_F(LinkTest, AListOfSeveralMessagesIsReadWhole) {
  LinkChange change;
  for (int i = 0; i < 1000; ++i) {
    change.add_addresses.push_back(address("fd00::" + std::to_string(i) + "/64"));
  }
  ASSERT_TRUE(change_link(socket_, make("dn42_1"), "dn42_1", change, soon()));
  EXPECT_EQ(look("dn42_1").addresses.size(), 1000U);
}

TEST_F(LinkTest, TheWatchSeesALinkComeAndWaitsAfterIt) {
  auto watch = LinkWatch::open().value();
  // What other tests did may still be told: the kernel goes on after a request's answer.
  const auto is_quiet = [&] { return !watch.wait(Deadline::after(std::chrono::milliseconds(20)), {}).value(); };
  EXPECT_TRUE(testing::eventually(is_quiet));
  make("dn42_1");
  EXPECT_TRUE(watch.wait(soon(), {}).value());
  EXPECT_TRUE(testing::eventually(is_quiet));
}

TEST_F(LinkTest, TheWatchSurvivesALostEvent) {
  auto watch = LinkWatch::open().value();
  const int index = make("dn42_1");
  LinkChange change;
  for (std::uint32_t i = 0; i < 1000; ++i) {  // more events than its buffer holds
    change.mtu_bytes = 1300 + i % 2;
    ASSERT_TRUE(change_link(socket_, index, "dn42_1", change, soon()));
  }
  const std::stop_source never;
  EXPECT_TRUE(watch.wait(soon(), never.get_token()).value());
  make("dn42_2");
  EXPECT_TRUE(watch.wait(soon(), never.get_token()).value());
}

TEST_F(LinkTest, AStopEndsTheWatch) {
  auto watch = LinkWatch::open().value();
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_EQ(watch.wait(soon(), stop.get_token()).error().code, Errc::cancelled);
}

}  // namespace
}  // namespace moenet::net
