// What our table does to packets: machines in namespaces with cables between them, of which one plays the tunnel.
#include <atomic>
#include <fstream>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <thread>

#include <gtest/gtest.h>

#include "net/namespaces.h"
#include "net/nft_command.h"
#include "net/nftables.h"

namespace moenet::net {
namespace {

using testing::Namespaces;
using testing::nft;
using testing::require;
using testing::soon;

constexpr auto kSilence = std::chrono::milliseconds(300);  // chosen: a packet over a veth takes microseconds

// With a link-local address of ours: one of the kernel's own would be checked for duplicates for a second.
void set_up(const std::string& link, std::string_view address, std::uint32_t mtu_bytes = 1500) {
  auto socket = NetlinkSocket::open(NetlinkFamily::route).value();
  LinkChange change;
  change.no_generated_address = true;
  change.mtu_bytes = mtu_bytes;
  const IpPrefix own = IpPrefix::parse(address).value();
  const IpPrefix link_local =
      IpPrefix::parse(fmt::format("fe80::{}/64", static_cast<int>(own.address.bytes().back()))).value();
  change.add_addresses = {{own, std::nullopt}, {link_local, std::nullopt}};
  change.up = true;
  const auto done = change_link(socket, index_of(socket, link, soon()).value(), link, change, soon());
  ASSERT_TRUE(done) << done.error().what;
}

sockaddr_in6 address_of(std::string_view ip, std::uint16_t port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  const IpAddress parsed = IpAddress::parse(ip).value();
  std::memcpy(&address.sin6_addr, parsed.bytes().data(), parsed.bytes().size());
  return address;
}

UniqueFd bound(int type, std::uint16_t port) {
  UniqueFd fd(::socket(AF_INET6, type | SOCK_CLOEXEC, 0));
  const int on = 1;  // a connection of before, of which the last ACK is still to come, keeps its port
  if (type == SOCK_STREAM)
    require(::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0, "reuse ports");
  const sockaddr_in6 address = address_of("::", port);
  require(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "bind");
  if (type == SOCK_STREAM) require(::listen(fd.get(), 8) == 0, "listen");
  return fd;
}

void limit_wait(int fd, std::chrono::milliseconds span) {
  const timeval time{span.count() / 1000, span.count() % 1000 * 1000};
  require(::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) == 0, "set a receive timeout");
  require(::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time) == 0, "set a send timeout");
}

// In the namespace of the caller: does a connection come about?
bool connects(std::string_view ip, std::uint16_t port, std::chrono::milliseconds within) {
  const UniqueFd fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  limit_wait(fd.get(), within);
  const sockaddr_in6 address = address_of(ip, port);
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

// Sends one datagram in the namespace of the caller and looks whether `receiver` gets it.
bool arrives(std::string_view ip, std::uint16_t port, const UniqueFd& receiver, std::chrono::milliseconds within) {
  const UniqueFd fd(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const sockaddr_in6 address = address_of(ip, port);
  require(::sendto(fd.get(), "x", 1, 0, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 1, "send");
  limit_wait(receiver.get(), within);
  char byte = 0;
  return ::recv(receiver.get(), &byte, 1, 0) == 1;
}

// Sees all GRE of a family that is let in, tunnel or no tunnel.
UniqueFd raw(int family) {
  UniqueFd fd(::socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_GRE));
  require(fd.get() >= 0, "open a raw socket");
  return fd;
}

// Sends one packet of GRE in the namespace of the caller and looks whether `receiver` gets it.
bool gre_arrives(const std::string& ip, const UniqueFd& receiver) {
  const bool is_v6 = ip.contains(':');
  const UniqueFd fd = raw(is_v6 ? AF_INET6 : AF_INET);
  const sockaddr_in6 v6 = address_of(is_v6 ? ip : "::", 0);
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  if (!is_v6) std::memcpy(&v4.sin_addr, IpAddress::parse(ip).value().bytes().data(), sizeof v4.sin_addr);
  const auto* address = is_v6 ? reinterpret_cast<const sockaddr*>(&v6) : reinterpret_cast<const sockaddr*>(&v4);
  const char packet[4] = {0, 0, 8, 0};  // of nothing
  const auto size = static_cast<socklen_t>(is_v6 ? sizeof v6 : sizeof v4);
  require(::sendto(fd.get(), packet, sizeof packet, 0, address, size) == sizeof packet, "send");
  limit_wait(receiver.get(), kSilence);
  char bytes[64];
  return ::recv(receiver.get(), bytes, sizeof bytes, 0) > 0;
}

constexpr std::chrono::milliseconds kLoss = std::chrono::seconds(2);  // chosen: what is not there by then is lost
constexpr std::chrono::milliseconds kPatience = std::chrono::seconds(5);

// A node with a tunnel "wg0" and a foreign link "eth0", at the other ends of which is one machine; the node's own
// firewall drops whatever it is not told to accept.
class FirewallPackets : public ::testing::Test {
 protected:
  void SetUp() override {
    Namespaces::connect(node_, "wg0", far_, "wg0");
    Namespaces::connect(node_, "eth0", far_, "eth0");
    node_.run([&] {
      set_up("wg0", "fd00:1::1/64");
      set_up("eth0", "fd00:2::1/64");
      ASSERT_TRUE(Ruleset::open().value().apply({{31080}, {"wg0"}}, soon()).value());
      open_port_ = bound(SOCK_DGRAM, 31080);
      closed_port_ = bound(SOCK_DGRAM, 31081);
      bfd_ = bound(SOCK_DGRAM, 3784);
      bgp_ = bound(SOCK_STREAM, 179);
      web_ = bound(SOCK_STREAM, 80);
    });
    far_.run([] {
      set_up("wg0", "fd00:1::2/64");
      set_up("eth0", "fd00:2::2/64");
    });
  }

  void drop_by_default() {
    node_.run([] {
      nft("table inet host { chain input { type filter hook input priority filter; policy drop; "
          "meta mark & 0x04000000 == 0x04000000 accept; ct state established,related accept; "
          "iifname eth0 icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept; }; }");
    });
  }

  Namespaces node_, far_;
  UniqueFd open_port_, closed_port_, bfd_, bgp_, web_;
};

TEST_F(FirewallPackets, BgpIsForTunnelsOnly) {
  far_.run([] {
    EXPECT_TRUE(connects("fd00:1::1", 179, kPatience));
    EXPECT_FALSE(connects("fd00:2::1", 179, kSilence));
    EXPECT_TRUE(connects("fd00:2::1", 80, kPatience)) << "nothing else is any business of ours";
  });
  node_.run([] { EXPECT_TRUE(connects("::1", 179, kPatience)); });
}

TEST_F(FirewallPackets, TheMarkOpensAFirewallThatDropsByDefault) {
  drop_by_default();
  far_.run([&] {
    EXPECT_TRUE(connects("fd00:1::1", 179, kPatience)) << "with neighbor discovery on the tunnel";
    EXPECT_FALSE(connects("fd00:1::1", 80, kSilence));
    EXPECT_FALSE(connects("fd00:2::1", 179, kSilence));
    EXPECT_TRUE(arrives("fd00:2::1", 31080, open_port_, kPatience));
    EXPECT_FALSE(arrives("fd00:2::1", 31081, closed_port_, kSilence));
    EXPECT_TRUE(arrives("fd00:1::1", 3784, bfd_, kPatience));
    EXPECT_FALSE(arrives("fd00:2::1", 3784, bfd_, kSilence));
  });
}

TEST_F(FirewallPackets, GreIsForTheFarEndsOfTunnels) {
  drop_by_default();
  const auto let_in = [&](std::vector<IpAddress> peers) {
    node_.run(
        [&] { ASSERT_TRUE(Ruleset::open().value().apply({{31080}, {"wg0"}, std::move(peers)}, soon()).value()); });
  };
  UniqueFd over_ipv4, over_ipv6;
  node_.run([&] {
    set_up("eth0", "198.51.100.1/24");
    over_ipv4 = raw(AF_INET);
    over_ipv6 = raw(AF_INET6);
  });
  far_.run([] { set_up("eth0", "198.51.100.2/24"); });
  const auto reach = [&] {
    std::pair<bool, bool> reached;
    far_.run([&] {
      reached.first = gre_arrives("198.51.100.1", over_ipv4);
      reached.second = gre_arrives("fd00:2::1", over_ipv6);
    });
    return reached;
  };
  const IpAddress v4 = IpAddress::v4({198, 51, 100, 2}), v6 = IpAddress::parse("fd00:2::2").value();
  EXPECT_EQ(reach(), std::pair(false, false));
  let_in({v4});
  EXPECT_EQ(reach(), std::pair(true, false));
  let_in({IpAddress::v4({198, 51, 100, 3}), v6});
  EXPECT_EQ(reach(), std::pair(false, true)) << "from nobody else";
}

TEST_F(FirewallPackets, AChangeOfElementsLosesNoPacket) {
  drop_by_default();
  std::atomic<bool> stop = false;
  std::atomic<int> sent = 0, lost = 0;
  std::thread sender([&] {
    far_.run([&] {
      for (; !stop; ++sent) lost += arrives("fd00:2::1", 31080, open_port_, kLoss) ? 0 : 1;
    });
  });
  node_.run([&] {
    auto ruleset = Ruleset::open().value();
    for (int i = 0; i < 20; ++i) {
      const auto other = static_cast<std::uint16_t>(40000 + i);
      EXPECT_TRUE(ruleset.apply({{31080, other}, {"wg0", "wg1"}}, soon()).value());
      EXPECT_TRUE(testing::eventually([&, before = sent.load()] { return sent > before; }));
    }
  });
  stop = true;
  sender.join();
  EXPECT_EQ(lost, 0) << "of " << sent;
}

// The two ends of a connection through a router, to a network of 1,280 bytes behind its link "wg0".
class FirewallForward : public ::testing::Test {
 protected:
  void SetUp() override {
    Namespaces::connect(client_, "eth0", router_, "eth0");
    Namespaces::connect(router_, "wg0", server_, "wg0");
    router_.run([] {
      std::ofstream("/proc/sys/net/ipv6/conf/all/forwarding") << "1";
      set_up("eth0", "fd00:1::1/64");
      set_up("wg0", "fd00:2::1/64", 1280);
    });
    const auto end = [](const std::string& link, const char* own, const char* router) {
      set_up(link, own);  // of 1,500 bytes: it does not know what is on the way
      require(testing::run_program({"ip", "-6", "route", "add", "default", "via", router}) == 0, "set a route");
    };
    client_.run([&] { end("eth0", "fd00:1::2/64", "fd00:1::1"); });
    server_.run([&] { end("wg0", "fd00:2::2/64", "fd00:2::1"); });
  }

  // The largest segment that the server may send, by what it heard of the client.
  int segment_bytes() {
    UniqueFd listener, accepted;
    server_.run([&] { listener = bound(SOCK_STREAM, 80); });
    client_.run([] { EXPECT_TRUE(connects("fd00:2::2", 80, kPatience)); });
    limit_wait(listener.get(), kPatience);
    accepted = UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    require(static_cast<bool>(accepted), "accept");
    tcp_info info{};
    socklen_t size = sizeof info;
    require(::getsockopt(accepted.get(), IPPROTO_TCP, TCP_INFO, &info, &size) == 0, "ask for TCP_INFO");
    return static_cast<int>(info.tcpi_snd_mss);
  }

  Namespaces client_, router_, server_;
};

// 1,280 less the headers of IPv6 (40) and TCP (20).
constexpr int kClampedBytes = 1220;

TEST_F(FirewallForward, SegmentsFitIntoTheTunnel) {
  EXPECT_GT(segment_bytes(), kClampedBytes) << "nothing is proven";
  router_.run([] { ASSERT_TRUE(Ruleset::open().value().apply({{}, {"wg0"}}, soon()).value()); });
  EXPECT_LE(segment_bytes(), kClampedBytes);
  EXPECT_GT(segment_bytes(), 1000);
}

TEST_F(FirewallForward, TransitBetweenTunnelsBearsTheMark) {
  router_.run([] {
    nft("table inet host { chain forward { type filter hook forward priority filter; policy drop; "
        "meta mark & 0x04000000 == 0x04000000 accept; }; }");
    ASSERT_TRUE(Ruleset::open().value().apply({{}, {"wg0"}}, soon()).value());
  });
  UniqueFd listener;
  server_.run([&] { listener = bound(SOCK_STREAM, 80); });
  client_.run([] { EXPECT_FALSE(connects("fd00:2::2", 80, kSilence)) << "eth0 is no tunnel"; });
  router_.run([] { ASSERT_TRUE(Ruleset::open().value().apply({{}, {"eth0", "wg0"}}, soon()).value()); });
  client_.run([] { EXPECT_TRUE(connects("fd00:2::2", 80, kPatience)); });
}

}  // namespace
}  // namespace moenet::net
