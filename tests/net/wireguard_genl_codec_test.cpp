#include "net/wireguard_genl_codec.h"

#include <algorithm>
#include <cstring>
#include <linux/genetlink.h>
#include <linux/netlink.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "net/wg_arbitrary.h"
#include "net/wg_change.h"

namespace moenet::net {
namespace {

constexpr std::uint16_t kFamily = 28;

Key key(std::uint8_t fill) {
  Key::Bytes bytes{};
  bytes.fill(fill);
  return Key(bytes);
}

std::string hex(std::span<const std::uint8_t> bytes) {
  std::string text;
  for (const auto byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

std::string repeat(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

WgDevice decode(const std::vector<std::vector<std::uint8_t>>& messages) {
  WgDevice device;
  for (const auto& message : messages) {
    const auto read = decode_wg_device(message, device);
    EXPECT_TRUE(read) << read.error().what;
  }
  sort_wg_device(device);
  return device;
}

// The bytes of the golden messages stand as their structures do.
// clang-format off
TEST(WireGuardGenl, EncodesAGetAsTheKernelExpectsIt) {
  EXPECT_EQ(hex(encode_wg_get(kFamily, "wg0")),
            "1c000000" "1c00" "0003" "00000000" "00000000"  // nlmsghdr: 28 bytes, family 28, NLM_F_DUMP
            "00" "01" "0000"                                // WG_CMD_GET_DEVICE, version 1
            "0800" "0200" "77673000");                      // WGDEVICE_A_IFNAME "wg0"
}

TEST(WireGuardGenl, EncodesASetAsTheKernelExpectsIt) {
  WgChange change;
  change.private_key = key(0x11);
  change.listen_port = 51820;
  change.replace_peers = true;
  WgPeerChange peer;
  peer.public_key = key(0x22);
  peer.preshared_key = key(0x33);
  peer.endpoint = Endpoint{IpAddress::v4({192, 0, 2, 1}), 51820};
  peer.keepalive = std::chrono::seconds(25);
  peer.allowed_ips = {IpPrefix::parse("10.0.0.0/8").value()};
  change.peers = {peer};
  const auto messages = encode_wg_set(kFamily, "wg0", change);
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(hex(messages[0]),
            "e4000000" "1c00" "0000" "00000000" "00000000" "01" "01" "0000"  // WG_CMD_SET_DEVICE
            "0800" "0200" "77673000"
            "2400" "0300" + repeat("11", 32) +       // WGDEVICE_A_PRIVATE_KEY
            "0600" "0600" "6cca0000"                 // WGDEVICE_A_LISTEN_PORT
            "0800" "0500" "01000000"                 // WGDEVICE_A_FLAGS: REPLACE_PEERS
            "9400" "0880" "9000" "0080"              // WGDEVICE_A_PEERS, one peer
            "2400" "0100" + repeat("22", 32) +       // WGPEER_A_PUBLIC_KEY
            "0800" "0300" "02000000"                 // WGPEER_A_FLAGS: REPLACE_ALLOWEDIPS
            "2400" "0200" + repeat("33", 32) +       // WGPEER_A_PRESHARED_KEY
            "1400" "0400" "0200" "ca6c" "c0000201" + repeat("00", 8) +  // WGPEER_A_ENDPOINT: sockaddr_in
            "0600" "0500" "19000000"                 // WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL
            "2000" "0980" "1c00" "0080"              // WGPEER_A_ALLOWEDIPS, one of them
            "0600" "0100" "02000000" "0800" "0200" "0a000000" "0500" "0300" "08000000");
}

TEST(WireGuardGenl, ARemovalSaysNothingButTheKey) {
  WgChange change;
  change.peers.resize(1);
  change.peers[0].public_key = key(0x22);
  change.peers[0].remove = true;
  change.peers[0].keepalive = std::chrono::seconds(25);
  change.peers[0].allowed_ips.emplace();
  const auto messages = encode_wg_set(kFamily, "wg0", change);
  EXPECT_EQ(hex(messages.at(0)).substr(56),
            "3400" "0880" "3000" "0080" "2400" "0100" + repeat("22", 32) + "0800" "0300" "01000000");
}

// clang-format on

// What the kernel does with a sequence of messages, as linux/wireguard.h describes it.
struct KernelModel {
  WgDevice device;

  void apply(const std::vector<std::uint8_t>& message) {
    const std::string text = hex(message);
    WgDevice said;
    ASSERT_TRUE(decode_wg_device(message, said));
    // WGDEVICE_A_FLAGS = REPLACE_PEERS stands before the peers, where no key can be mistaken for it in these tests.
    if (text.substr(0, 300).contains("0800"
                                     "0500"
                                     "01000000"))
      device.peers.clear();
    for (const auto& peer : said.peers) {
      auto found = std::ranges::find(device.peers, peer.public_key, &WgPeer::public_key);
      if (found == device.peers.end()) {
        found = device.peers.insert(found, WgPeer());
        found->public_key = peer.public_key;
      }
      found->allowed_ips.insert(found->allowed_ips.end(), peer.allowed_ips.begin(), peer.allowed_ips.end());
    }
  }
};

TEST(WireGuardGenl, ALongListGoesOnOverMessagesAndReplacesOnlyOnce) {
  WgChange change;
  change.replace_peers = true;
  for (std::uint8_t i = 1; i <= 100; ++i) {
    WgPeerChange peer;
    peer.public_key = key(i);
    peer.allowed_ips.emplace();
    for (std::uint8_t k = 0; k < 60; ++k) peer.allowed_ips->push_back(IpPrefix::host(IpAddress::v4({10, 0, i, k})));
    change.peers.push_back(peer);
  }
  const auto messages = encode_wg_set(kFamily, "wg0", change, 1024);
  EXPECT_GT(messages.size(), 100U) << "every peer is larger than a message";
  KernelModel kernel;
  std::string all;
  for (const auto& message : messages) {
    EXPECT_LE(message.size(), 1024U);
    kernel.apply(message);
    all += hex(message);
  }
  ASSERT_EQ(kernel.device.peers.size(), 100U);
  for (const auto& peer : kernel.device.peers) EXPECT_EQ(peer.allowed_ips.size(), 60U);
  const auto count = [&](std::string_view needle) {
    std::size_t times = 0;
    for (auto at = all.find(needle); at != std::string::npos; at = all.find(needle, at + 1)) ++times;
    return times;
  };
  EXPECT_EQ(count("0800"
                  "0500"
                  "01000000"),
            1U)
      << "peers are replaced in the first message only";
  EXPECT_EQ(count("0800"
                  "0300"
                  "02000000"),
            100U)
      << "allowed IPs are replaced in the first part of a peer only";
}

TEST(WireGuardGenl, APeerThatTheKernelSplitsIsOneAgain) {
  WgChange first;
  first.peers.resize(2);
  first.peers[0].public_key = key(1);
  first.peers[1].public_key = key(2);
  first.peers[1].allowed_ips = {IpPrefix::parse("10.0.0.1/32").value()};
  WgChange second;
  second.peers.resize(2);
  second.peers[0].public_key = key(2);
  second.peers[0].allowed_ips = {IpPrefix::parse("10.0.0.0/32").value()};
  second.peers[1].public_key = key(3);
  const WgDevice device =
      decode({encode_wg_set(kFamily, "wg0", first).at(0), encode_wg_set(kFamily, "wg0", second).at(0)});
  ASSERT_EQ(device.peers.size(), 3U);
  EXPECT_EQ(device.peers[1].allowed_ips,
            (std::vector{IpPrefix::parse("10.0.0.0/32").value(), IpPrefix::parse("10.0.0.1/32").value()}));
}

TEST(WireGuardGenl, BytesThatMakeNoSenseAreRefused) {
  WgChange change;
  change.peers.resize(1);
  change.peers[0].public_key = key(1);
  change.peers[0].allowed_ips = {IpPrefix::parse("10.0.0.1/32").value()};
  const auto good = encode_wg_set(kFamily, "wg0", change).at(0);
  WgDevice device;
  EXPECT_EQ(decode_wg_device({}, device).error().code, Errc::internal);
  EXPECT_FALSE(decode_wg_device(std::span(good).first(good.size() - 1), device)) << "shorter than its header says";
  auto zero_key = good;
  std::fill_n(zero_key.begin() + 40, 32, std::uint8_t{0});
  EXPECT_FALSE(decode_wg_device(zero_key, device));
  auto long_mask = good;
  long_mask[long_mask.size() - 4] = 33;
  EXPECT_FALSE(decode_wg_device(long_mask, device));
}

TEST(WireGuardGenl, ReadsTheFamilyNumber) {
  std::vector<std::uint8_t> answer = encode_family_query("wireguard");
  EXPECT_FALSE(decode_family(answer));
  const std::uint8_t number[] = {0x06, 0x00, CTRL_ATTR_FAMILY_ID, 0x00, 0x1c, 0x00, 0x00, 0x00};
  answer.insert(answer.end(), std::begin(number), std::end(number));
  answer[0] = static_cast<std::uint8_t>(answer.size());
  EXPECT_EQ(decode_family(answer).value(), 28);
}

RC_GTEST_PROP(WireGuardGenlProperty, DecodingWhatWasEncodedGivesItBack, ()) {
  const WgDevice device = testing::arbitrary_device();
  const auto limit = *rc::gen::inRange<std::size_t>(1024, 40000);
  RC_ASSERT(decode(encode_wg_set(kFamily, device.name, testing::change_to(device), limit)) == device);
}

}  // namespace
}  // namespace moenet::net
