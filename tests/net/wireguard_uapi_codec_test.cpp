#include "net/wireguard_uapi_codec.h"

#include <cerrno>

#include <gtest/gtest.h>

#include "net/wg_arbitrary.h"
#include "net/wg_change.h"

namespace moenet::net {
namespace {

const std::string kHexA(64, 'a');
const std::string kHexB(64, 'b');
const std::string kZero(64, '0');

TEST(WireGuardUapi, EncodesASet) {
  WgChange change;
  change.private_key = Key::from_hex(kHexA).value();
  change.listen_port = 51820;
  change.replace_peers = true;
  change.peers.resize(2);
  change.peers[0].public_key = Key::from_hex(kHexB).value();
  change.peers[0].preshared_key = Key();
  change.peers[0].endpoint = Endpoint{IpAddress::parse("2001:db8::1").value(), 1};
  change.peers[0].keepalive = std::chrono::seconds(25);
  change.peers[0].allowed_ips = {IpPrefix::parse("::/0").value()};
  change.peers[1].public_key = Key::from_hex(kHexA).value();
  change.peers[1].remove = true;
  change.peers[1].only_if_present = true;
  EXPECT_EQ(encode_uapi_set(change), "set=1\nprivate_key=" + kHexA +
                                         "\nlisten_port=51820\nreplace_peers=true\npublic_key=" + kHexB +
                                         "\npreshared_key=" + kZero +
                                         "\nendpoint=[2001:db8::1]:1\npersistent_keepalive_interval=25\nreplace_"
                                         "allowed_ips=true\nallowed_ip=::/0\npublic_key=" +
                                         kHexA + "\nupdate_only=true\nremove=true\n\n");
  EXPECT_EQ(encode_uapi_set({}), "set=1\n\n");
}

TEST(WireGuardUapi, ReadsAReplyOfWireguardGo) {
  const auto device =
      decode_uapi_get("wg0", "private_key=" + kHexA + "\nlisten_port=51820\nfwmark=7\npublic_key=" + kHexB +
                                 "\npreshared_key=" + kZero +
                                 "\nprotocol_version=1\nendpoint=192.0.2.1:51821\n"
                                 "last_handshake_time_sec=1700000000\nlast_handshake_time_nsec=500\ntx_bytes=3\n"
                                 "rx_bytes=4\npersistent_keepalive_interval=25\nallowed_ip=10.0.0.0/8\n"
                                 "allowed_ip=::/0\nsomething_new=yes\npublic_key=" +
                                 kHexA +
                                 "\nendpoint=[fe80::1%eth0]:5\nlast_handshake_time_sec=0\n"
                                 "last_handshake_time_nsec=0\nerrno=0\n\n");
  ASSERT_TRUE(device) << device.error().what;
  EXPECT_EQ(device->name, "wg0");
  EXPECT_EQ(device->listen_port, 51820);
  ASSERT_EQ(device->peers.size(), 2U);
  const WgPeer& peer = device->peers[1];
  EXPECT_EQ(peer.public_key.hex(), kHexB);
  EXPECT_FALSE(peer.preshared_key) << "zero means none";
  EXPECT_EQ(peer.endpoint->text(), "192.0.2.1:51821");
  EXPECT_EQ(peer.last_handshake, std::chrono::system_clock::from_time_t(1'700'000'000) + std::chrono::nanoseconds(500));
  EXPECT_EQ(peer.rx_bytes, 4U);
  EXPECT_EQ(peer.tx_bytes, 3U);
  EXPECT_EQ(peer.keepalive, std::chrono::seconds(25));
  EXPECT_EQ(peer.allowed_ips.size(), 2U);
  EXPECT_FALSE(device->peers[0].last_handshake) << "zero means never";
  EXPECT_EQ(device->peers[0].endpoint->text(), "[fe80::1]:5");
}

TEST(WireGuardUapi, TheErrnoOfAReplyIsItsError) {
  EXPECT_EQ(decode_uapi_errno("errno=0\n\n").value(), 0);
  EXPECT_EQ(decode_uapi_errno("errno=98\n\n").value(), EADDRINUSE);
  EXPECT_EQ(decode_uapi_errno("errno=-98\n\n").value(), EADDRINUSE);
  EXPECT_EQ(decode_uapi_get("wg0", "errno=2\n\n").error().code, Errc::not_found);
}

TEST(WireGuardUapi, AReplyEndsWithAnEmptyLine) {
  EXPECT_TRUE(is_whole_uapi_reply("errno=0\n\n"));
  EXPECT_TRUE(is_whole_uapi_reply("\n"));
  for (const char* part : {"", "errno=0", "errno=0\n"}) EXPECT_FALSE(is_whole_uapi_reply(part)) << part;
}

TEST(WireGuardUapi, TextThatMakesNoSenseIsRefused) {
  for (const std::string text :
       {"", "\n", "no line\nerrno=0\n\n", "errno=x\n\n", "errno=\n\n", "errno=-2147483648\n\n", "errno=99999999999\n\n",
        "listen_port=65536\nerrno=0\n\n", "listen_port=-1\nerrno=0\n\n", "public_key=abc\nerrno=0\n\n",
        "private_key=zz\nerrno=0\n\n"}) {
    EXPECT_FALSE(decode_uapi_get("wg0", text)) << text;
  }
  for (const std::string line :
       {"endpoint=192.0.2.1", "endpoint=example.net:5", "endpoint=[fe80::1%eth0", "allowed_ip=10.0.0.0/33",
        "rx_bytes=many", "persistent_keepalive_interval=70000", "preshared_key=0"}) {
    EXPECT_FALSE(decode_uapi_get("wg0", "public_key=" + kHexA + "\n" + line + "\nerrno=0\n\n")) << line;
  }
}

RC_GTEST_PROP(WireGuardUapiProperty, DecodingWhatWasEncodedGivesItBack, ()) {
  const WgDevice device = testing::arbitrary_device();
  std::string text = encode_uapi_set(testing::change_to(device));
  text.replace(text.size() - 1, 1, "errno=0\n\n");
  const auto decoded = decode_uapi_get(device.name, text);
  RC_ASSERT(decoded.has_value());
  RC_ASSERT(*decoded == device);
}

TEST(WireGuardHandshake, ATimeThatNoClockCanSayIsNever) {
  EXPECT_FALSE(wg_handshake_time(0, 0));
  EXPECT_FALSE(wg_handshake_time(-1, 0));
  EXPECT_FALSE(wg_handshake_time(INT64_MAX, 0));
  EXPECT_FALSE(wg_handshake_time(1, 1'000'000'000));
  EXPECT_FALSE(wg_handshake_time(1, INT64_MIN));
  EXPECT_EQ(wg_handshake_time(1, 0), std::chrono::system_clock::from_time_t(1));
}

}  // namespace
}  // namespace moenet::net
