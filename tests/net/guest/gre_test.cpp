// Links of kind gre and ip6gre on a kernel that has them: what the codec says is what the kernel does, and what the
// kernel says is what the codec reads. `ip` plays the operator who changes things by hand.
#include <cstring>
#include <netinet/in.h>
#include <sstream>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "net/gre_codec.h"
#include "net/namespaces.h"

namespace moenet::net {
namespace {

using testing::require;
using testing::soon;

GreHeader to(std::string_view remote, std::optional<std::uint32_t> key = std::nullopt) {
  GreHeader header;
  header.remote = IpAddress::parse(remote).value();
  header.key = key;
  return header;
}

Result<int> make(const std::string& name, const GreHeader& header) {
  auto socket = NetlinkSocket::open(NetlinkFamily::route).value();
  return create_link(socket, name, gre_kind(header), "moenet test", soon(), header);
}

Result<void> change(const std::string& name, const LinkChange& change) {
  auto socket = NetlinkSocket::open(NetlinkFamily::route).value();
  return change_link(socket, index_of(socket, name, soon()).value(), name, change, soon());
}

Link look(const std::string& name) {
  auto socket = NetlinkSocket::open(NetlinkFamily::route).value();
  return find_link(socket, name, soon()).value();
}

void by_hand(const std::string& command) {
  std::vector<std::string> words{"ip"};
  std::istringstream stream(command);
  for (std::string word; stream >> word;) words.push_back(word);
  ASSERT_EQ(testing::run_program(words), 0) << command;
}

class GreTest : public ::testing::Test {
 protected:
  void TearDown() override {
    auto socket = NetlinkSocket::open(NetlinkFamily::route).value();
    const auto links = list_links(socket, soon()).value();
    for (const auto& link : links) {
      if (link.name != "lo") {
        EXPECT_TRUE(delete_link(socket, link.index, link.name, soon()));
      }
    }
  }
};

TEST_F(GreTest, ALinkIsReadBackAsItWasMade) {
  GreHeader from = to("192.0.2.4", 0);
  from.local = IpAddress::v4({192, 0, 2, 200});
  int number = 0;
  for (const GreHeader& header :
       {to("192.0.2.1"), to("192.0.2.1", 7), from, to("2001:db8::1"), to("2001:db8::1", 4'294'967'295)}) {
    const std::string name = "g" + std::to_string(++number);
    const auto made = make(name, header);
    ASSERT_TRUE(made) << made.error().what;
    const Link link = look(name);
    EXPECT_EQ(link.index, *made);
    EXPECT_EQ(link.kind, gre_kind(header));
    EXPECT_EQ(link.alias, "moenet test");
    EXPECT_EQ(link.gre, header) << name;
  }
}

TEST_F(GreTest, WhatOthersMakeOfIpsDefaultsIsUsualButForTheTos) {
  by_hand("link add g1 type gre remote 192.0.2.1 ttl 64 tos inherit");
  EXPECT_EQ(look("g1").gre, to("192.0.2.1"));
  by_hand("link add g2 type ip6gre remote 2001:db8::1 ttl 64 tos inherit encaplimit none");
  EXPECT_EQ(look("g2").gre, to("2001:db8::1"));
  by_hand("link add g3 type gre remote 192.0.2.3");
  ASSERT_TRUE(look("g3").gre);
  EXPECT_FALSE(look("g3").gre->is_usual);
  by_hand("link add g4 type gre external");
  EXPECT_FALSE(look("g4").gre);
  by_hand("link add g5 type gre remote 192.0.2.5 ignore-df nopmtudisc");
  EXPECT_FALSE(look("g5").gre);
}

TEST_F(GreTest, WhatSomebodyChangedIsPutRightInPlace) {
  const auto expect_repair = [](const std::string& name, const GreHeader& wanted, const std::string& damage) {
    const Link before = look(name);
    by_hand("link change " + name + " type " + before.kind + " " + damage);
    EXPECT_NE(look(name).gre, wanted) << damage;
    LinkChange repair;
    repair.gre = wanted;
    repair.mtu_bytes = before.mtu_bytes;
    const auto done = change(name, repair);
    EXPECT_TRUE(done) << damage << ": " << done.error().what;
    EXPECT_EQ(look(name), before) << damage;
  };
  LinkChange up;
  up.mtu_bytes = 1400;
  up.up = true;
  const GreHeader v4 = to("192.0.2.1", 7), v6 = to("2001:db8::1");
  ASSERT_TRUE(make("g4", v4) && make("g6", v6) && change("g4", up) && change("g6", up));
  for (const char* damage : {"ttl 7", "key 8", "nokey", "remote 192.0.2.9", "local 192.0.2.200", "tos 0", "csum",
                             "ikey 9", "dev lo", "fwmark 5"}) {
    expect_repair("g4", v4, damage);
  }
  for (const char* damage : {"ttl 7", "key 8", "remote 2001:db8::9", "local 2001:db8::7", "tos 0x10", "encaplimit 4",
                             "flowlabel 0x12345", "dev lo"}) {
    expect_repair("g6", v6, damage);
  }
}

TEST_F(GreTest, AChangeOfTheKeyMovesTheMtuUnlessItIsSaid) {
  ASSERT_TRUE(make("g1", to("192.0.2.1")));
  LinkChange first;
  first.mtu_bytes = 1400;
  ASSERT_TRUE(change("g1", first));
  LinkChange key;
  key.gre = to("192.0.2.1", 7);
  ASSERT_TRUE(change("g1", key));
  EXPECT_EQ(look("g1").mtu_bytes, 1396U) << "net/ipv4/ip_gre.c, ipgre_link_update()";
  key.gre = to("192.0.2.1");
  key.mtu_bytes = 1400;
  ASSERT_TRUE(change("g1", key));
  EXPECT_EQ(look("g1").mtu_bytes, 1400U);
}

TEST_F(GreTest, TwoLinksToOneHostNeedDifferentKeys) {
  for (const char* remote : {"192.0.2.1", "2001:db8::1"}) {
    const std::string prefix = to(remote).remote->is_v4() ? "v4-" : "v6-";
    ASSERT_TRUE(make(prefix + "1", to(remote)));
    const auto second = make(prefix + "2", to(remote));
    ASSERT_FALSE(second) << remote;
    EXPECT_EQ(second.error().code, Errc::conflict) << second.error().what;
    EXPECT_TRUE(make(prefix + "3", to(remote, 0)));
    LinkChange key;
    key.gre = to(remote);
    const auto changed = change(prefix + "3", key);
    ASSERT_FALSE(changed);
    EXPECT_EQ(changed.error().code, Errc::conflict) << changed.error().what;
  }
}

// A message over the link "g0" to the link-local address fe80::2 at its other end.
bool arrives(const UniqueFd& receiver) {
  sockaddr_in6 far{};
  far.sin6_family = AF_INET6;
  far.sin6_port = htons(9);
  far.sin6_scope_id = static_cast<std::uint32_t>(look("g0").index);
  const IpAddress address = IpAddress::parse("fe80::2").value();
  std::memcpy(&far.sin6_addr, address.bytes().data(), address.bytes().size());
  const UniqueFd sender(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  (void)::sendto(sender.get(), "x", 1, 0, reinterpret_cast<const sockaddr*>(&far), sizeof far);
  const timeval wait{1, 0};
  require(::setsockopt(receiver.get(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) == 0, "set a receive timeout");
  char byte = 0;
  return ::recv(receiver.get(), &byte, 1, 0) == 1;
}

void set_up(const std::string& link, std::initializer_list<const char*> addresses) {
  LinkChange up;
  up.no_generated_address = true;
  for (const char* address : addresses) up.add_addresses.push_back({IpPrefix::parse(address).value(), std::nullopt});
  up.up = true;
  const auto done = change(link, up);
  ASSERT_TRUE(done) << done.error().what;
}

TEST(GreBetweenMachines, CarriesLinkLocalTrafficWhereTheKeysAreEqual) {
  testing::Namespaces a, b;
  testing::Namespaces::connect(a, "va", b, "vb");
  UniqueFd receiver;
  a.run([] { set_up("va", {"198.51.100.1/24", "2001:db8::1/64"}); });
  b.run([&] {
    set_up("vb", {"198.51.100.2/24", "2001:db8::2/64"});
    receiver = UniqueFd(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    any.sin6_port = htons(9);
    require(::bind(receiver.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0, "bind");
  });
  const auto carries = [&](const GreHeader& there, const GreHeader& back) {
    const auto raise = [](const GreHeader& header, const char* own) {
      ASSERT_TRUE(make("g0", header));
      set_up("g0", {own});
    };
    a.run([&] { raise(there, "fe80::1/64"); });
    b.run([&] { raise(back, "fe80::2/64"); });
    bool arrived = false;
    a.run([&] { arrived = arrives(receiver); });
    for (testing::Namespaces* end : {&a, &b}) end->run([] { by_hand("link del g0"); });
    return arrived;
  };
  EXPECT_TRUE(carries(to("198.51.100.2"), to("198.51.100.1")));
  EXPECT_TRUE(carries(to("198.51.100.2", 7), to("198.51.100.1", 7)));
  EXPECT_FALSE(carries(to("198.51.100.2", 7), to("198.51.100.1", 8)));
  EXPECT_FALSE(carries(to("198.51.100.2"), to("198.51.100.3")));
  EXPECT_FALSE(carries(to("2001:db8::2"), to("2001:db8::1"))) << "ip6gre is to be told where it begins";
  const auto between = [](std::string_view local, std::string_view remote, std::optional<std::uint32_t> key) {
    GreHeader header = to(remote, key);
    header.local = IpAddress::parse(local).value();
    return header;
  };
  for (const std::optional<std::uint32_t> key : {std::optional<std::uint32_t>(), std::optional<std::uint32_t>(7)}) {
    EXPECT_TRUE(carries(between("2001:db8::1", "2001:db8::2", key), between("2001:db8::2", "2001:db8::1", key)));
  }
}

}  // namespace
}  // namespace moenet::net
