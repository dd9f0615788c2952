#include "net/icmp_codec.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "net/icmp_bytes.h"

namespace moenet::net {
namespace {

using Kind = IcmpMessage::Kind;
using testing::address;
using testing::Packet;
using testing::quoting;
using testing::reply_to;
using testing::with_checksum;
using testing::with_ip_header;

const EchoKey kKey({1, 2, 3});
const EchoStamp kStamp{7, 42, std::chrono::nanoseconds(123456789)};

Packet request_to(const IpAddress& target, std::size_t payload = 56) {
  Packet packet(kIcmpHeaderBytes + payload, 0xff);
  write_echo({target, 0x1234, 0x5678, kStamp}, kKey, packet);
  return packet;
}

TEST(IcmpCodec, ARequestIsWhatTheStandardsSay) {
  const Packet v4 = request_to(address("192.0.2.1"));
  EXPECT_EQ(v4[0], 8);
  EXPECT_EQ(v4[1], 0);
  EXPECT_EQ(internet_checksum(v4), 0) << "RFC 1071: the sum of all is zero";
  EXPECT_EQ((std::vector<std::uint8_t>{v4.begin() + 4, v4.begin() + 16}),
            (std::vector<std::uint8_t>{0x12, 0x34, 0x56, 0x78, 0, 0, 0, 7, 0, 0, 0, 42}));
  EXPECT_TRUE(std::all_of(v4.begin() + kIcmpHeaderBytes + kSealBytes, v4.end(), [](auto byte) { return byte == 0; }));
  const Packet v6 = request_to(address("2001:db8::1"));
  EXPECT_EQ(v6[0], 128);
  EXPECT_EQ(v6[2] | v6[3], 0) << "the kernel's to fill";
}

TEST(IcmpCodec, TheChecksumIsThatOfTheRfc) {
  // RFC 1071 section 3's example: the sum of these is ddf2.
  const Packet example{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(internet_checksum(example), 0xffff ^ 0xddf2);
  EXPECT_EQ(internet_checksum(Packet{0x12}), 0xffff ^ 0x1200) << "an odd byte is padded";
  EXPECT_EQ(internet_checksum({}), 0xffff);
}

TEST(IcmpCodec, AReplyBringsBackTheStampAndItsProof) {
  for (const char* text : {"192.0.2.1", "2001:db8::1"}) {
    const IpAddress target = address(text);
    const auto message = read_icmp(target.family(), reply_to(request_to(target)));
    ASSERT_TRUE(message) << message.error().what;
    EXPECT_EQ(message->kind, Kind::reply);
    EXPECT_EQ(message->identifier, 0x1234);
    EXPECT_EQ(message->sequence, 0x5678);
    EXPECT_EQ(message->stamp, kStamp);
    EXPECT_TRUE(is_sealed(*message, target, kKey));
    EXPECT_FALSE(is_sealed(*message, target, EchoKey({9}))) << "another key";
    EXPECT_FALSE(is_sealed(*message, address("192.0.2.2"), kKey)) << "another target";
  }
}

TEST(IcmpCodec, WhateverIsChangedInTheSealBreaksIt) {
  const IpAddress target = address("2001:db8::1");
  const Packet reply = reply_to(request_to(target));
  for (std::size_t at = 6; at < kIcmpHeaderBytes + kSealBytes; ++at) {
    Packet forged = reply;
    forged[at] ^= 1;
    EXPECT_FALSE(is_sealed(read_icmp(IpFamily::v6, forged).value(), target, kKey)) << at;
  }
}

TEST(IcmpCodec, AReplyWithoutTheWholeSealProvesNothing) {
  Packet reply = reply_to(request_to(address("192.0.2.1")));
  reply.resize(kIcmpHeaderBytes + kSealBytes - 1);
  const auto message = read_icmp(IpFamily::v4, with_checksum(reply));
  ASSERT_TRUE(message);
  EXPECT_FALSE(message->stamp);
  EXPECT_FALSE(is_sealed(*message, address("192.0.2.1"), kKey));
}

TEST(IcmpCodec, AWrongChecksumIsRefusedUnlessThePacketWasCut) {
  Packet reply = reply_to(request_to(address("192.0.2.1")));
  reply.back() ^= 1;
  EXPECT_FALSE(read_icmp(IpFamily::v4, reply));
  EXPECT_TRUE(read_icmp(IpFamily::v4, reply, true));
}

TEST(IcmpCodec, TheIpHeaderThatRawSocketsShowIsReadWithItsOptions) {
  const IpAddress target = address("192.0.2.1");
  const Packet reply = reply_to(request_to(target));
  for (const std::size_t options : {0u, 4u, 40u}) {
    const auto message = read_ipv4_icmp(with_ip_header(reply, target, options));
    ASSERT_TRUE(message) << options;
    EXPECT_TRUE(is_sealed(*message, target, kKey));
  }
  Packet broken = with_ip_header(reply, target);
  broken[9] = 17;
  EXPECT_FALSE(read_ipv4_icmp(broken)) << "UDP";
  broken[9] = 1;
  broken[0] = 0x4f;
  broken.resize(30);
  EXPECT_FALSE(read_ipv4_icmp(broken)) << "options behind the end";
  broken[0] = 0x44;
  EXPECT_FALSE(read_ipv4_icmp(broken)) << "a header shorter than any";
}

struct ErrorCase {
  const char* target;
  std::uint8_t type, code;
  Kind kind;
  std::uint32_t mtu_bytes;
  const char* words;
};
class IcmpErrors : public ::testing::TestWithParam<ErrorCase> {};

TEST_P(IcmpErrors, AreReadAndProvedByTheRequestTheyQuote) {
  const auto& [text, type, code, kind, mtu_bytes, words] = GetParam();
  const IpAddress target = address(text);
  const Packet request = request_to(target);
  const auto message = read_icmp(target.family(), quoting(request, target, type, code, mtu_bytes));
  ASSERT_TRUE(message) << message.error().what;
  EXPECT_EQ(message->kind, kind);
  EXPECT_EQ(message->mtu_bytes, kind == Kind::too_big ? mtu_bytes : 0);
  EXPECT_EQ(message->quoted_target, target);
  EXPECT_TRUE(is_sealed(*message, target, kKey));
  EXPECT_FALSE(is_sealed(*message, address("192.0.2.99"), kKey));
  EXPECT_EQ(words_for(target.family(), *message), words);
  const auto queued = read_queued_error(target, type, code, mtu_bytes, request);
  ASSERT_TRUE(queued);
  EXPECT_EQ(*queued, *message) << "an error queue tells the same";
}
INSTANTIATE_TEST_SUITE_P(
    OfBothFamilies, IcmpErrors,
    ::testing::Values(ErrorCase{"192.0.2.1", 11, 0, Kind::time_exceeded, 0, "time to live exceeded"},
                      ErrorCase{"192.0.2.1", 3, 0, Kind::unreachable, 0, "network unreachable"},
                      ErrorCase{"192.0.2.1", 3, 13, Kind::unreachable, 0, "administratively prohibited"},
                      ErrorCase{"192.0.2.1", 3, 4, Kind::too_big, 1420, "packet too big"},
                      ErrorCase{"192.0.2.1", 3, 4, Kind::too_big, 0, "packet too big"},
                      ErrorCase{"2001:db8::1", 3, 0, Kind::time_exceeded, 0, "time to live exceeded"},
                      ErrorCase{"2001:db8::1", 1, 3, Kind::unreachable, 0, "address unreachable"},
                      ErrorCase{"2001:db8::1", 2, 0, Kind::too_big, 1280, "packet too big"}));

TEST(IcmpCodec, AnErrorThatQuotesEightBytesTellsWhichRequestByItsChecksum) {
  const IpAddress target = address("192.0.2.1");
  const Packet request = request_to(target);
  Packet error = quoting(request, target, 11, 0, 0);
  error.resize(kIcmpHeaderBytes + 20 + 8);  // RFC 792
  const auto message = read_icmp(IpFamily::v4, with_checksum(error));
  ASSERT_TRUE(message);
  EXPECT_FALSE(message->stamp);
  EXPECT_EQ(message->sequence, 0x5678);
  EXPECT_EQ(message->checksum, request[2] << 8 | request[3]);
}

TEST(IcmpCodec, WhatIsNoAnswerToAnEchoIsRefused) {
  const IpAddress target = address("192.0.2.1");
  const Packet request = request_to(target);
  EXPECT_FALSE(read_icmp(IpFamily::v4, request)) << "a request";
  EXPECT_FALSE(read_icmp(IpFamily::v4, quoting(request, target, 5, 1, 0))) << "a redirect";
  EXPECT_FALSE(read_icmp(IpFamily::v4, quoting(request, target, 11, 1, 0))) << "fragments that got lost";
  EXPECT_FALSE(read_icmp(IpFamily::v4, quoting(reply_to(request), target, 3, 1, 0))) << "an error about a reply";
  Packet of_udp = quoting(request, target, 3, 3, 0);
  of_udp[kIcmpHeaderBytes + 9] = 17;
  EXPECT_FALSE(read_icmp(IpFamily::v4, with_checksum(of_udp)));
  Packet of_fragment = quoting(request, target, 3, 1, 0);
  of_fragment[kIcmpHeaderBytes + 7] = 1;
  EXPECT_FALSE(read_icmp(IpFamily::v4, with_checksum(of_fragment)));
  Packet of_tcp = quoting(request_to(address("2001:db8::1")), address("2001:db8::1"), 1, 0, 0);
  of_tcp[kIcmpHeaderBytes + 6] = 6;
  EXPECT_FALSE(read_icmp(IpFamily::v6, of_tcp));
  EXPECT_FALSE(read_icmp(IpFamily::v6, {}));
}

RC_GTEST_PROP(IcmpCodec, EveryPrefixOfAnErrorIsReadOrRefused, ()) {
  const IpAddress target = *rc::gen::element(address("192.0.2.1"), address("2001:db8::1"));
  const bool is_v4 = target.is_v4();
  Packet error = quoting(request_to(target), target, is_v4 ? 11 : 3, 0, 0);
  error.resize(*rc::gen::inRange<std::size_t>(0, error.size() + 1));
  const auto message = read_icmp(target.family(), error, true);
  if (message && message->stamp) RC_ASSERT(is_sealed(*message, target, kKey));
}

RC_GTEST_PROP(IcmpCodec, TwoEchoesNeverShareACookie,
              (std::uint16_t sequence, std::uint32_t number, std::int64_t sent)) {
  const IpAddress target = address("192.0.2.1");
  const EchoStamp stamp{1, number, std::chrono::nanoseconds(sent)};
  EchoStamp other = stamp;
  ++other.number;
  RC_ASSERT(kKey.cookie(target, sequence, stamp) != kKey.cookie(target, sequence, other));
  RC_ASSERT(kKey.cookie(target, sequence, stamp) !=
            kKey.cookie(target, static_cast<std::uint16_t>(sequence + 1), stamp));
}

}  // namespace
}  // namespace moenet::net
