// The kernel backend on a kernel that has WireGuard. It runs as root in a machine of its own
// (tests/e2e/kernel_guest/run.sh).
#include <algorithm>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "net/namespaces.h"
#include "net/wg_change.h"
#include "net/wireguard.h"

namespace moenet::net {
namespace {

using testing::soon;

class OwnNamespaces : public ::testing::Environment {
 public:
  void SetUp() override { testing::enter_new_namespaces(); }
};

const auto* const kEnvironment = ::testing::AddGlobalTestEnvironment(new OwnNamespaces);

Key private_key(std::uint8_t fill) {
  Key::Bytes bytes{};
  bytes.fill(fill);
  bytes[0] &= 248;  // as the kernel clamps it (RFC 7748 section 5)
  bytes[31] = static_cast<std::uint8_t>((bytes[31] & 127) | 64);
  return Key(bytes);
}

Key numbered_key(std::uint32_t number) {
  Key::Bytes bytes{1};
  std::memcpy(bytes.data() + 4, &number, sizeof number);
  return Key(bytes);
}

IpPrefix prefix(std::string_view text) { return IpPrefix::parse(text).value(); }

IpPrefix numbered_prefix(std::uint32_t number) {
  return IpPrefix::host(IpAddress::v4({10, static_cast<std::uint8_t>(number >> 16),
                                       static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)}));
}

class KernelTest : public ::testing::Test {
 protected:
  void TearDown() override {
    const auto links = list_links(route_, soon()).value();
    for (const auto& link : links) {
      if (link.name != "lo") {
        EXPECT_TRUE(delete_link(route_, link.index, link.name, soon()));
      }
    }
  }

  void make(const std::string& name) {
    const auto made = wireguard_->create({{name, "moenet test"}}, soon()).front();
    ASSERT_TRUE(made) << made.error().what;
  }
  void set(const std::string& name, const WgChange& change) {
    const auto done = wireguard_->set(name, change, soon());
    ASSERT_TRUE(done) << done.error().what;
  }
  Result<void> raise(const std::string& name) {
    LinkChange up;
    up.up = true;
    return change_link(route_, index_of(route_, name, soon()).value(), name, up, soon());
  }

  NetlinkSocket route_ = NetlinkSocket::open(NetlinkFamily::route).value();
  std::unique_ptr<WireGuard> wireguard_ = open_kernel_wireguard().value();
};

TEST_F(KernelTest, CreatesManyMarkedLinksAndRemovesThem) {
  std::vector<WireGuard::NewDevice> wanted;
  for (int i = 0; i < 20; ++i) wanted.push_back({"dn42_" + std::to_string(i), "mark " + std::to_string(i)});
  const auto made = wireguard_->create(wanted, soon());
  EXPECT_TRUE(std::ranges::all_of(made, [](const auto& result) { return result.has_value(); }));
  EXPECT_EQ(wireguard_->list(soon()).value().size(), 20U);
  EXPECT_EQ(find_link(route_, "dn42_19", soon()).value().alias, "mark 19");
  EXPECT_EQ(find_link(route_, "dn42_19", soon()).value().kind, wireguard_->link_kind());
  for (const auto& device : wanted) EXPECT_TRUE(wireguard_->remove(device.name, soon()));
  EXPECT_TRUE(wireguard_->list(soon()).value().empty());
  EXPECT_TRUE(wireguard_->remove("dn42_0", soon())) << "removing what is gone is no error";
  EXPECT_EQ(wireguard_->get("dn42_0", soon()).error().code, Errc::not_found);
  EXPECT_EQ(wireguard_->set("dn42_0", {}, soon()).error().code, Errc::not_found);
}

TEST_F(KernelTest, ATakenNameIsAConflictAndItsLinkStays) {
  (void)create_link(route_, "dn42_1", "dummy", "foreign", soon()).value();
  const auto made = wireguard_->create({{"dn42_1", "ours"}, {"dn42_2", "ours"}}, soon());
  EXPECT_EQ(made[0].error().code, Errc::conflict);
  EXPECT_TRUE(made[1]);
  EXPECT_EQ(find_link(route_, "dn42_1", soon()).value().alias, "foreign");
  EXPECT_FALSE(wireguard_->get("dn42_1", soon())) << "a dummy is no WireGuard device";
}

TEST_F(KernelTest, SetsEveryFieldAndReadsItBack) {
  make("dn42_1");
  WgDevice expected{"dn42_1", private_key(1), 31080, {}};
  WgPeer v4{numbered_key(1),
            private_key(7),
            Endpoint{IpAddress::v4({192, 0, 2, 1}), 51820},
            std::chrono::seconds(25),
            {prefix("0.0.0.0/0"), prefix("172.20.0.0/14"), prefix("::/0"), prefix("fe80::/10")},
            std::nullopt,
            0,
            0};
  WgPeer v6{numbered_key(2),
            std::nullopt,
            Endpoint{IpAddress::parse("2001:db8::1").value(), 1},
            std::chrono::seconds(0),
            {},
            std::nullopt,
            0,
            0};
  expected.peers = {v4, v6};
  set("dn42_1", testing::change_to(expected));
  EXPECT_EQ(wireguard_->get("dn42_1", soon()).value(), expected);
}

TEST_F(KernelTest, APeerListLargerThanAMessageArrivesWhole) {
  make("dn42_1");
  WgChange change;
  change.replace_peers = true;
  for (std::uint32_t i = 0; i < 2000; ++i) {
    WgPeerChange peer;
    peer.public_key = numbered_key(i);
    peer.preshared_key = private_key(7);
    peer.allowed_ips = {numbered_prefix(2 * i), numbered_prefix(2 * i + 1)};
    change.peers.push_back(peer);
  }
  set("dn42_1", change);
  const WgDevice device = wireguard_->get("dn42_1", soon()).value();
  ASSERT_EQ(device.peers.size(), 2000U);
  EXPECT_TRUE(std::ranges::all_of(device.peers, [](const WgPeer& peer) {
    return peer.allowed_ips.size() == 2 && peer.preshared_key == private_key(7);
  }));
  change.peers.resize(1);
  set("dn42_1", change);
  EXPECT_EQ(wireguard_->get("dn42_1", soon()).value().peers.size(), 1U) << "replace_peers removes all others";
}

TEST_F(KernelTest, APeerLargerThanAMessageArrivesWhole) {
  make("dn42_1");
  WgChange change;
  change.peers.resize(2);
  change.peers[0].public_key = numbered_key(1);
  change.peers[0].allowed_ips.emplace();
  for (std::uint32_t i = 0; i < 5000; ++i) change.peers[0].allowed_ips->push_back(numbered_prefix(i));
  change.peers[1].public_key = numbered_key(2);
  change.peers[1].allowed_ips = {prefix("172.20.0.0/14")};
  set("dn42_1", change);
  set("dn42_1", change);
  const WgDevice device = wireguard_->get("dn42_1", soon()).value();
  ASSERT_EQ(device.peers.size(), 2U);
  EXPECT_EQ(device.peers[0].allowed_ips, *change.peers[0].allowed_ips);
  EXPECT_EQ(device.peers[1].allowed_ips.size(), 1U);
}

TEST_F(KernelTest, AChangeOfOneFieldLeavesTheOthers) {
  make("dn42_1");
  WgChange change;
  change.private_key = private_key(1);
  for (std::uint32_t i = 1; i <= 2; ++i) {
    WgPeerChange peer;
    peer.public_key = numbered_key(i);
    peer.preshared_key = private_key(7);
    peer.endpoint = Endpoint{IpAddress::v4({192, 0, 2, 1}), 51820};
    peer.allowed_ips = {numbered_prefix(i)};
    change.peers.push_back(peer);
  }
  set("dn42_1", change);
  WgDevice expected = wireguard_->get("dn42_1", soon()).value();
  WgChange small;
  small.peers.resize(3);
  small.peers[0].public_key = numbered_key(1);
  small.peers[0].keepalive = std::chrono::seconds(5);
  small.peers[1].public_key = numbered_key(2);
  small.peers[1].remove = true;
  small.peers[2].public_key = numbered_key(3);
  small.peers[2].only_if_present = true;
  small.peers[2].keepalive = std::chrono::seconds(5);
  set("dn42_1", small);
  expected.peers.pop_back();
  expected.peers.at(0).keepalive = std::chrono::seconds(5);
  EXPECT_EQ(wireguard_->get("dn42_1", soon()).value(), expected);
  small.peers.resize(1);
  small.peers[0].preshared_key = Key();
  set("dn42_1", small);
  EXPECT_FALSE(wireguard_->get("dn42_1", soon()).value().peers.at(0).preshared_key);
}

TEST_F(KernelTest, WhatSomebodyElseChangedIsReadBack) {
  make("dn42_1");
  WgChange change;
  change.private_key = private_key(1);
  change.listen_port = 31080;
  set("dn42_1", change);
  const auto somebody_else = open_kernel_wireguard().value();
  change.private_key = private_key(2);
  change.listen_port = 31081;
  change.peers.resize(1);
  change.peers[0].public_key = numbered_key(5);
  ASSERT_TRUE(somebody_else->set("dn42_1", change, soon()));
  const WgDevice device = wireguard_->get("dn42_1", soon()).value();
  EXPECT_EQ(device.private_key, private_key(2));
  EXPECT_EQ(device.listen_port, 31081);
  EXPECT_EQ(device.peers.size(), 1U);
}

TEST_F(KernelTest, AListenPortInUseIsAConflictThatNamesIt) {
  make("dn42_1");
  make("dn42_2");
  WgChange change;
  change.listen_port = 31080;
  set("dn42_1", change);
  ASSERT_TRUE(raise("dn42_1"));
  EXPECT_EQ(check_udp_port_free(31080).error(), (Error{Errc::conflict, "listen port 31080 is in use"}));
  set("dn42_2", change);  // a link that is down binds nothing
  const auto up = raise("dn42_2");
  ASSERT_FALSE(up);
  EXPECT_EQ(up.error().code, Errc::conflict) << up.error().what;

  change.listen_port = 31081;
  set("dn42_2", change);
  ASSERT_TRUE(raise("dn42_2"));
  change.listen_port = 31080;
  const auto refused = wireguard_->set("dn42_2", change, soon());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), (Error{Errc::conflict, "set wg device dn42_2: listen port 31080 is in use"}));
}

// Two machines with a cable between them.
class KernelHandshake : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::Namespaces::connect(a_, "va", b_, "vb");
    // Public keys of private_key(1) and (2), by `wg pubkey`.
    const Key public_a = Key::from_base64("pOCSkrZRwni5dyxWn1+puxPZBrRqtoyd+dwrRAn4ogk=").value();
    const Key public_b = Key::from_base64("zo060cy2M+x7cMF4FKXHbs0CloUFDTRHRboFhw5YfVk=").value();
    b_.run([&] { set_up(2, "vb", "198.51.100.2/24", "fd00::2/64", public_a, std::nullopt); });
    a_.run([&] {
      set_up(1, "va", "198.51.100.1/24", "fd00::1/64", public_b, Endpoint{IpAddress::v4({198, 51, 100, 2}), 51820});
    });
  }

  static void set_up(std::uint8_t fill, const std::string& link, const char* own, const char* tunnel, const Key& peer,
                     std::optional<Endpoint> endpoint) {
    auto route = NetlinkSocket::open(NetlinkFamily::route).value();
    auto wireguard = open_kernel_wireguard().value();
    ASSERT_TRUE(wireguard->create({{"wg0", "ours"}}, soon()).front());
    WgChange device;
    device.private_key = private_key(fill);
    device.listen_port = 51820;
    device.peers.resize(1);
    device.peers[0].public_key = peer;
    device.peers[0].preshared_key = private_key(9);
    device.peers[0].endpoint = endpoint;
    device.peers[0].allowed_ips = {prefix("::/0")};
    ASSERT_TRUE(wireguard->set("wg0", device, soon()));
    for (const auto& [name, address] : {std::pair(link, own), std::pair(std::string("wg0"), tunnel)}) {
      LinkChange change;
      change.no_generated_address = true;
      change.add_addresses = {{prefix(address), std::nullopt}};
      change.up = true;
      ASSERT_TRUE(change_link(route, index_of(route, name, soon()).value(), name, change, soon()));
    }
  }

  static WgPeer peer_now() { return open_kernel_wireguard().value()->get("wg0", soon()).value().peers.at(0); }

  // Sends until `done`; the device has no other reason to speak.
  static void send_until(const char* to, const std::function<bool()>& done) {
    const UniqueFd socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(9);
    const IpAddress ip = IpAddress::parse(to).value();
    std::memcpy(&address.sin6_addr, ip.bytes().data(), ip.bytes().size());
    const Deadline limit = soon();
    while (!done()) {
      ASSERT_FALSE(limit.passed());
      (void)::sendto(socket.get(), "x", 1, 0, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
  }

  testing::Namespaces a_;
  testing::Namespaces b_;
};

TEST_F(KernelHandshake, TwoNamespacesTalk) {
  a_.run([] { send_until("fd00::2", [] { return peer_now().last_handshake.has_value(); }); });
  b_.run([] {
    // The side that was called counts a handshake when the first packet after it has come (WireGuard paper,
    // section 5.4.6).
    EXPECT_TRUE(testing::eventually([] { return peer_now().last_handshake.has_value(); }));
    EXPECT_GT(peer_now().rx_bytes, 0U);
    EXPECT_EQ(peer_now().endpoint->text(), "198.51.100.1:51820") << "learned from the caller";
  });
}

TEST_F(KernelHandshake, AChangeOfAnotherFieldKeepsALearnedEndpoint) {
  a_.run([] { send_until("fd00::2", [] { return peer_now().last_handshake.has_value(); }); });
  b_.run([] {
    WgChange roam;
    roam.listen_port = 51999;
    ASSERT_TRUE(open_kernel_wireguard().value()->set("wg0", roam, soon()));
    const auto sent = [before = peer_now().tx_bytes] { return peer_now().tx_bytes > before; };
    send_until("fd00::1", sent);
  });
  a_.run([] {
    send_until("fd00::2", [] { return peer_now().endpoint->port == 51999; });
    WgPeerChange peer;
    peer.public_key = peer_now().public_key;
    peer.keepalive = std::chrono::seconds(25);
    peer.allowed_ips = {prefix("::/0"), prefix("0.0.0.0/0")};
    WgChange change;
    change.peers = {peer};
    ASSERT_TRUE(open_kernel_wireguard().value()->set("wg0", change, soon()));
    EXPECT_EQ(peer_now().endpoint->text(), "198.51.100.2:51999");
    EXPECT_EQ(peer_now().allowed_ips.size(), 2U);
    EXPECT_TRUE(peer_now().last_handshake) << "the peer was not made anew";
  });
}

}  // namespace
}  // namespace moenet::net
