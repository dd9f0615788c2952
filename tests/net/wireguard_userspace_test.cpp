// The userspace backend with real wireguard-go daemons.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <gtest/gtest.h>

#include "net/namespaces.h"
#include "net/wireguard.h"

namespace moenet::net {
namespace {

using testing::daemons_of;
using testing::soon;

Key key(std::uint8_t seed) {
  Key::Bytes bytes{};
  bytes.fill(seed);
  bytes[0] &= 248;
  bytes[31] = static_cast<std::uint8_t>((bytes[31] & 127) | 64);
  return Key(bytes);
}

class UserspaceTest : public ::testing::Test {
 protected:
  void TearDown() override {
    const auto links = list_links(route_, soon()).value();
    for (const auto& link : links) {
      if (link.name != "lo") {
        EXPECT_TRUE(wireguard_->remove(link.name, soon()));
      }
    }
  }

  void make(const std::string& name) {
    const auto made = wireguard_->create({{name, "moenet test"}}, soon()).front();
    ASSERT_TRUE(made) << made.error().what;
  }

  NetlinkSocket route_ = NetlinkSocket::open(NetlinkFamily::route).value();
  std::unique_ptr<WireGuard> wireguard_ = open_userspace_wireguard({});
};

TEST_F(UserspaceTest, CreatesAMarkedLinkWithADaemonAndRemovesBoth) {
  make("wgt0");
  EXPECT_EQ(find_link(route_, "wgt0", soon()).value().alias, "moenet test");
  EXPECT_EQ(find_link(route_, "wgt0", soon()).value().kind, wireguard_->link_kind());
  EXPECT_EQ(wireguard_->list(soon()).value(), std::vector<std::string>{"wgt0"});
  const auto daemons = daemons_of("wgt0");
  ASSERT_EQ(daemons.size(), 1U);
  EXPECT_EQ(::getsid(daemons[0]) == ::getsid(0), false) << "the daemon must have its own session";

  const auto removed = wireguard_->remove("wgt0", soon());
  ASSERT_TRUE(removed) << removed.error().what;
  EXPECT_EQ(find_link(route_, "wgt0", soon()).error().code, Errc::not_found);
  EXPECT_TRUE(wireguard_->list(soon()).value().empty());
  EXPECT_EQ(wireguard_->get("wgt0", soon()).error().code, Errc::not_found);
  EXPECT_TRUE(wireguard_->remove("wgt0", soon())) << "removing what is gone is no error";
}

TEST_F(UserspaceTest, ADaemonInheritsNoDescriptorOfOurs) {
  make("wgt0");
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(daemons_of("wgt0").at(0)) + "/fd")) {
    std::error_code gone;  // the daemon opens and closes some of its own meanwhile
    const std::string target = std::filesystem::read_symlink(entry.path(), gone);
    if (gone) continue;
    const bool its_own = target == "/dev/null" || target == "/dev/net/tun" || target.starts_with("socket:") ||
                         target.starts_with("anon_inode:") || target.starts_with("pipe:");
    EXPECT_TRUE(its_own) << target;
  }
}

TEST_F(UserspaceTest, SetsEveryFieldAndReadsItBack) {
  make("wgt0");
  WgPeerChange peer;
  peer.public_key = key(9);
  peer.preshared_key = key(7);
  peer.endpoint = Endpoint{IpAddress::parse("2001:db8::1").value(), 51820};
  peer.keepalive = std::chrono::seconds(25);
  peer.allowed_ips = {IpPrefix::parse("0.0.0.0/0").value(), IpPrefix::parse("::/0").value()};
  WgChange change;
  change.private_key = key(1);
  change.listen_port = 31080;
  change.peers = {peer};
  const auto done = wireguard_->set("wgt0", change, soon());
  ASSERT_TRUE(done) << done.error().what;

  WgDevice expected{"wgt0", key(1), 31080, {}};
  expected.peers.push_back(
      {key(9), key(7), peer.endpoint, std::chrono::seconds(25), *peer.allowed_ips, std::nullopt, 0, 0});
  EXPECT_EQ(wireguard_->get("wgt0", soon()).value(), expected);
}

TEST_F(UserspaceTest, AChangeOfOneFieldLeavesTheOthers) {
  make("wgt0");
  WgChange change;
  change.private_key = key(1);
  for (const std::uint8_t seed : {std::uint8_t{9}, std::uint8_t{10}}) {
    WgPeerChange peer;
    peer.public_key = key(seed);
    peer.preshared_key = key(7);
    peer.endpoint = Endpoint{IpAddress::parse("192.0.2.1").value(), 51820};
    peer.allowed_ips = {IpPrefix::host(IpAddress::v4({10, 0, 0, seed}))};
    change.peers.push_back(peer);
  }
  ASSERT_TRUE(wireguard_->set("wgt0", change, soon()));
  WgDevice expected = wireguard_->get("wgt0", soon()).value();
  ASSERT_EQ(expected.peers.size(), 2U);

  WgChange small;
  small.peers.resize(3);
  small.peers[0].public_key = key(9);
  small.peers[0].keepalive = std::chrono::seconds(5);
  small.peers[1].public_key = key(10);
  small.peers[1].remove = true;
  small.peers[2].public_key = key(11);
  small.peers[2].only_if_present = true;
  small.peers[2].keepalive = std::chrono::seconds(5);
  ASSERT_TRUE(wireguard_->set("wgt0", small, soon()));
  std::erase_if(expected.peers, [](const WgPeer& peer) { return peer.public_key == key(10); });
  expected.peers.at(0).keepalive = std::chrono::seconds(5);
  EXPECT_EQ(wireguard_->get("wgt0", soon()).value(), expected);

  small.peers.resize(1);
  small.peers[0].preshared_key = Key();
  ASSERT_TRUE(wireguard_->set("wgt0", small, soon()));
  EXPECT_FALSE(wireguard_->get("wgt0", soon()).value().peers.at(0).preshared_key);
}

TEST_F(UserspaceTest, ALargePeerListArrivesWhole) {
  make("wgt0");
  WgChange change;
  for (std::uint32_t i = 0; i < 2000; ++i) {
    Key::Bytes bytes{1};
    std::memcpy(bytes.data() + 4, &i, sizeof i);
    WgPeerChange peer;
    peer.public_key = Key(bytes);
    peer.allowed_ips.emplace();
    for (std::uint8_t k = 0; k < 3; ++k) {
      peer.allowed_ips->push_back(
          IpPrefix::host(IpAddress::v4({10, k, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)})));
    }
    change.peers.push_back(peer);
  }
  ASSERT_TRUE(wireguard_->set("wgt0", change, soon()));
  const WgDevice device = wireguard_->get("wgt0", soon()).value();
  ASSERT_EQ(device.peers.size(), 2000U);
  EXPECT_TRUE(std::ranges::all_of(device.peers, [](const WgPeer& peer) { return peer.allowed_ips.size() == 3; }));
}

TEST_F(UserspaceTest, AListenPortInUseIsAConflictThatNamesIt) {
  make("wgt0");
  make("wgt1");
  LinkChange up;
  up.up = true;
  WgChange change;
  change.listen_port = 31080;
  for (const std::string name : {"wgt0", "wgt1"}) {
    ASSERT_TRUE(change_link(route_, index_of(route_, name, soon()).value(), name, up, soon()));
  }
  ASSERT_TRUE(wireguard_->set("wgt0", change, soon()));
  // The daemon binds once it has noticed that its link is up.
  while (check_udp_port_free(31080)) ASSERT_TRUE(wireguard_->get("wgt0", soon()));
  EXPECT_EQ(check_udp_port_free(31080).error(), (Error{Errc::conflict, "listen port 31080 is in use"}));
  Result<void> second;
  const Deadline limit = soon();
  do {
    second = wireguard_->set("wgt1", change, soon());
  } while (second && !limit.passed());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error(), (Error{Errc::conflict, "set wg device wgt1: listen port 31080 is in use"}));
  EXPECT_TRUE(check_udp_port_free(0));
}

TEST_F(UserspaceTest, ATakenNameIsAConflictAndItsLinkStays) {
  (void)create_link(route_, "wgt0", "ifb", "foreign", soon()).value();
  make("wgt1");
  const auto results = wireguard_->create({{"wgt0", "ours"}, {"wgt1", "ours"}, {"wgt2", "ours"}}, soon());
  ASSERT_EQ(results.size(), 3U);
  EXPECT_EQ(results[0].error().code, Errc::conflict);
  EXPECT_EQ(results[1].error(), (Error{Errc::conflict, "create wg device wgt1: a link wgt1 exists already"}));
  EXPECT_TRUE(results[2]);
  EXPECT_EQ(find_link(route_, "wgt0", soon()).value().alias, "foreign");
  EXPECT_EQ(find_link(route_, "wgt1", soon()).value().alias, "moenet test");
  EXPECT_EQ(wireguard_->remove("wgt0", soon()).error().code, Errc::conflict) << "an ifb is not ours to remove";
  ASSERT_TRUE(delete_link(route_, index_of(route_, "wgt0", soon()).value(), "wgt0", soon()));
}

TEST_F(UserspaceTest, ADeadDaemonShowsAsAnEmptyDeviceAndSetRevivesIt) {
  make("wgt0");
  WgChange change;
  change.private_key = key(1);
  change.listen_port = 31080;
  ASSERT_TRUE(wireguard_->set("wgt0", change, soon()));
  const pid_t daemon = daemons_of("wgt0").at(0);
  ASSERT_EQ(::kill(daemon, SIGKILL), 0);
  while (!daemons_of("wgt0").empty()) std::this_thread::yield();

  EXPECT_EQ(wireguard_->get("wgt0", soon()).value(), (WgDevice{"wgt0", {}, 0, {}}));
  EXPECT_EQ(find_link(route_, "wgt0", soon()).value().alias, "moenet test") << "the link outlives its daemon";
  const auto revived = wireguard_->set("wgt0", change, soon());
  ASSERT_TRUE(revived) << revived.error().what;
  EXPECT_EQ(wireguard_->get("wgt0", soon()).value(), (WgDevice{"wgt0", key(1), 31080, {}}));
}

TEST_F(UserspaceTest, AnAgentKilledBeforeTheDaemonStartsLeavesAMarkedLink) {
  // What such an agent leaves: the link, its alias, and no daemon. A program that fails does the same, but is cleaned
  // up.
  make("wgt0");
  ASSERT_EQ(::kill(daemons_of("wgt0").at(0), SIGKILL), 0);
  while (!daemons_of("wgt0").empty()) std::this_thread::yield();
  std::filesystem::remove("/run/wireguard/wgt0.sock");
  auto next_agent = open_userspace_wireguard({});
  EXPECT_EQ(find_link(route_, "wgt0", soon()).value().alias, "moenet test");
  EXPECT_EQ(next_agent->get("wgt0", soon()).value().name, "wgt0");
  EXPECT_TRUE(next_agent->remove("wgt0", soon()));
  EXPECT_EQ(find_link(route_, "wgt0", soon()).error().code, Errc::not_found);
}

TEST_F(UserspaceTest, AProgramThatFailsLeavesNoLinkAndSaysWhy) {
  UserspaceWireGuard settings;
  settings.program = "/run/failing";
  std::ofstream(settings.program)
      << "#!/bin/sh\nfor i in 1 2 3 4 5 6 7 8 9; do echo 'some banner text that nobody needs to read, again and "
         "again' >&2; done\necho \"no luck with $1 $*$TOKEN$LD_PRELOAD\" >&2\nexit 3\n";
  std::filesystem::permissions(settings.program, std::filesystem::perms::owner_all);
  ::setenv("TOKEN", "secret", 1);
  const auto made = open_userspace_wireguard(settings)->create({{"wgt0", "ours"}}, soon()).front();
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::unavailable);
  EXPECT_TRUE(made.error().what.ends_with("no luck with wgt0 wgt0")) << made.error().what;
  EXPECT_LT(made.error().what.size(), 400U);
  EXPECT_EQ(find_link(route_, "wgt0", soon()).error().code, Errc::not_found);
}

TEST_F(UserspaceTest, AProgramThatHangsIsKilledAtTheDeadline) {
  UserspaceWireGuard settings;
  settings.program = "/run/hanging";
  std::ofstream(settings.program) << "#!/bin/sh\nexec sleep 1000\n";
  std::filesystem::permissions(settings.program, std::filesystem::perms::owner_all);
  const auto made = open_userspace_wireguard(settings)
                        ->create({{"wgt0", "ours"}}, Deadline::after(std::chrono::milliseconds(50)))
                        .front();
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::timeout);
  EXPECT_EQ(find_link(route_, "wgt0", soon()).error().code, Errc::not_found);
}

TEST_F(UserspaceTest, AMissingProgramIsNotFound) {
  UserspaceWireGuard settings;
  settings.program = "no-such-wireguard";
  const auto made = open_userspace_wireguard(settings)->create({{"wgt0", "ours"}}, soon()).front();
  EXPECT_EQ(made.error(), (Error{Errc::not_found, "create wg device wgt0: no-such-wireguard is not installed"}));
}

TEST_F(UserspaceTest, TwentyStartTogether) {
  std::vector<WireGuard::NewDevice> wanted;
  for (int i = 0; i < 20; ++i) wanted.push_back({"wgm" + std::to_string(i), "ours"});
  for (const auto& made : wireguard_->create(wanted, soon())) EXPECT_TRUE(made) << made.error().what;
  EXPECT_EQ(wireguard_->list(soon()).value().size(), 20U);
}

void send_datagram(const char* to) {
  const UniqueFd socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(9);
  const IpAddress ip = IpAddress::parse(to).value();
  std::memcpy(&address.sin6_addr, ip.bytes().data(), ip.bytes().size());
  (void)::sendto(socket.get(), "x", 1, 0, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

TEST(UserspaceHandshake, TwoNamespacesTalk) {
  testing::Namespaces a;
  testing::Namespaces b;
  testing::Namespaces::connect(a, "va", b, "vb");
  // Public keys of key(1) and key(2), by `wg pubkey`.
  const Key public_a = Key::from_base64("pOCSkrZRwni5dyxWn1+puxPZBrRqtoyd+dwrRAn4ogk=").value();
  const Key public_b = Key::from_base64("zo060cy2M+x7cMF4FKXHbs0CloUFDTRHRboFhw5YfVk=").value();
  const auto set_up = [](std::uint8_t seed, const std::string& link, const char* own, const char* tunnel,
                         const Key& peer_key, const char* remote) {
    auto route = NetlinkSocket::open(NetlinkFamily::route).value();
    auto wireguard = open_userspace_wireguard({});
    LinkChange change;
    change.up = true;
    change.add_addresses = {{IpPrefix::parse(own).value(), std::nullopt}};
    ASSERT_TRUE(change_link(route, index_of(route, link, soon()).value(), link, change, soon()));
    ASSERT_TRUE(wireguard->create({{"wgt0", "ours"}}, soon()).front());
    WgChange device;
    device.private_key = key(seed);
    device.listen_port = 51820;
    device.peers.resize(1);
    device.peers[0].public_key = peer_key;
    device.peers[0].endpoint = Endpoint{IpAddress::parse(remote).value(), 51820};
    device.peers[0].allowed_ips = {IpPrefix::parse("::/0").value()};
    ASSERT_TRUE(wireguard->set("wgt0", device, soon()));
    change.no_generated_address = true;
    change.add_addresses = {{IpPrefix::parse(tunnel).value(), std::nullopt}};
    ASSERT_TRUE(change_link(route, index_of(route, "wgt0", soon()).value(), "wgt0", change, soon()));
    EXPECT_EQ(find_link(route, "wgt0", soon()).value().up, true);
  };
  b.run([&] { set_up(2, "vb", "198.51.100.2/24", "fd00::2/64", public_a, "198.51.100.1"); });
  a.run([&] {
    set_up(1, "va", "198.51.100.1/24", "fd00::1/64", public_b, "198.51.100.2");
    auto wireguard = open_userspace_wireguard({});
    const Deadline limit = soon();
    while (!wireguard->get("wgt0", soon()).value().peers.at(0).last_handshake && !limit.passed())
      send_datagram("fd00::2");
    EXPECT_TRUE(wireguard->get("wgt0", soon()).value().peers.at(0).last_handshake);
  });
  b.run([&] {
    auto wireguard = open_userspace_wireguard({});
    const auto peer = [&] { return wireguard->get("wgt0", soon()).value().peers.at(0); };
    // The side that was called counts a handshake when the first packet after it has come (WireGuard paper,
    // section 5.4.6).
    EXPECT_TRUE(testing::eventually([&] { return peer().last_handshake.has_value(); }));
    EXPECT_GT(peer().rx_bytes, 0U);
  });
  // Not before both have seen it: a daemon that ends takes its unsent packets with it.
  for (const auto* side : {&a, &b}) {
    side->run([] { EXPECT_TRUE(open_userspace_wireguard({})->remove("wgt0", soon())); });
  }
}

}  // namespace
}  // namespace moenet::net
