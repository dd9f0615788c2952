#include "net/gre_codec.h"

#include <functional>
#include <linux/if_tunnel.h>
#include <map>

#include <gtest/gtest.h>

#include "net/hex.h"
#include "net/rtnl_codec.h"
#include "net/wg_arbitrary.h"

namespace moenet::net {
namespace {

using testing::hex;
using Bytes = std::vector<std::uint8_t>;

GreHeader to(std::string_view remote, std::optional<std::uint32_t> key = std::nullopt) {
  GreHeader header;
  header.remote = IpAddress::parse(remote).value();
  header.key = key;
  return header;
}

// The bytes of the golden messages stand as their structures do.
// clang-format off
TEST(GreCodec, SaysAllThatTheKernelTakesOfGre) {
  EXPECT_EQ(hex(encode_set_gre(7, to("192.0.2.1", 5))),
            "90000000" "1000" "0000" "00000000" "00000000"      // RTM_NEWLINK without NLM_F_CREATE
            "00" "00" "0000" "07000000" "00000000" "00000000"   // ifinfomsg with the index
            "7000" "1280"                                       // IFLA_LINKINFO
            "0800" "0100" "67726500"                            // IFLA_INFO_KIND
            "6400" "0280"                                       // IFLA_INFO_DATA
            "0800" "0100" "00000000"                            // LINK
            "0600" "0200" "2000" "0000" "0600" "0300" "2000" "0000"  // IFLAGS, OFLAGS: GRE_KEY
            "0800" "0400" "00000005" "0800" "0500" "00000005"   // IKEY, OKEY
            "0800" "0600" "00000000" "0800" "0700" "c0000201"   // LOCAL, REMOTE
            "0500" "0800" "40" "000000"                         // TTL
            "0500" "0900" "01" "000000" "0500" "0a00" "01" "000000"  // TOS: inherit, PMTUDISC
            "0800" "1400" "00000000" "0600" "0e00" "0000" "0000");  // FWMARK, ENCAP_TYPE
}

TEST(GreCodec, SaysAllThatTheKernelTakesOfIp6Gre) {
  const std::string message = hex(encode_set_gre(7, to("2001:db8::1")));
  const std::string data =
      "0800" "0100" "00000000" "0600" "0200" "0000" "0000" "0600" "0300" "0000" "0000"
      "0800" "0400" "00000000" "0800" "0500" "00000000"
      "1400" "0600" "00000000000000000000000000000000"          // LOCAL
      "1400" "0700" "20010db8000000000000000000000001"          // REMOTE
      "0500" "0800" "40" "000000"                               // TTL
      "0500" "0b00" "00" "000000" "0800" "0c00" "00000000"      // ENCAP_LIMIT, FLOWINFO
      "0800" "0d00" "03000000"                                  // FLAGS: no limit, traffic class copied
      "0800" "1400" "00000000" "0600" "0e00" "0000" "0000";
  EXPECT_TRUE(message.ends_with(data)) << message;
  EXPECT_NE(message.find("0b00" "0100" "697036677265"), std::string::npos) << "ip6gre";
}
// clang-format on

RC_GTEST_PROP(GreCodecProperty, DecodingAnEncodedHeaderGivesItBack, ()) {
  const auto of_family = [](IpFamily family) {
    IpAddress address = testing::arbitrary_address();
    while (address.family() != family || address.is_unspecified()) address = testing::arbitrary_address();
    return address;
  };
  GreHeader header;
  const IpFamily family = *rc::gen::element(IpFamily::v4, IpFamily::v6);
  header.remote = of_family(family);
  if (*rc::gen::arbitrary<bool>()) header.local = of_family(family);
  if (*rc::gen::arbitrary<bool>()) header.key = *rc::gen::arbitrary<std::uint32_t>();
  header.ttl = *rc::gen::arbitrary<std::uint8_t>();
  const auto message = encode_create_link(7, "g0", gre_kind(header), header);
  RC_ASSERT(decode_link(message).value().value().gre == header);
}

// IFLA_INFO_DATA as the kernel writes it: of ours with the attributes of `changed` in place of their own.
Bytes told(bool is_v6, const std::map<std::uint16_t, Bytes>& changed) {
  std::map<std::uint16_t, Bytes> attributes{{IFLA_GRE_IFLAGS, {0x20, 0}},
                                            {IFLA_GRE_OFLAGS, {0x20, 0}},
                                            {IFLA_GRE_IKEY, {0, 0, 0, 5}},
                                            {IFLA_GRE_OKEY, {0, 0, 0, 5}},
                                            {IFLA_GRE_TTL, {64}}};
  if (is_v6) {
    attributes[IFLA_GRE_REMOTE] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    attributes[IFLA_GRE_FLAGS] = {3, 0, 7, 0};  // with what the kernel found of the addresses
    attributes[IFLA_GRE_ENCAP_LIMIT] = {4};     // which does not count then
  } else {
    attributes[IFLA_GRE_REMOTE] = {192, 0, 2, 1};
    attributes[IFLA_GRE_TOS] = {1};
    attributes[IFLA_GRE_PMTUDISC] = {1};
  }
  for (const auto& [type, value] : changed) attributes[type] = value;
  Bytes bytes;
  for (const auto& [type, value] : attributes) {
    const auto length = static_cast<std::uint8_t>(4 + value.size());
    bytes.insert(bytes.end(), {length, 0, static_cast<std::uint8_t>(type), 0});
    bytes.insert(bytes.end(), value.begin(), value.end());
    bytes.resize(NLMSG_ALIGN(bytes.size()));
  }
  return bytes;
}

TEST(GreCodec, KnowsALinkOfOursAsTheKernelTellsIt) {
  EXPECT_EQ(decode_gre("gre", told(false, {})), to("192.0.2.1", 5));
  EXPECT_EQ(decode_gre("ip6gre", told(true, {})), to("2001:db8::1", 5));
  EXPECT_EQ(decode_gre("wireguard", told(false, {})), std::nullopt);
}

TEST(GreCodec, SeesWhatElseIsSetOnALink) {
  const std::map<std::uint16_t, Bytes> of_gre{{IFLA_GRE_TOS, {0}},           {IFLA_GRE_PMTUDISC, {0}},
                                              {IFLA_GRE_LINK, {2, 0, 0, 0}}, {IFLA_GRE_IFLAGS, {0xa0, 0}},
                                              {IFLA_GRE_OFLAGS, {0x30, 0}},  {IFLA_GRE_OKEY, {0, 0, 0, 6}},
                                              {IFLA_GRE_ENCAP_TYPE, {1, 0}}, {IFLA_GRE_FWMARK, {1, 0, 0, 0}}};
  for (const auto& [type, value] : of_gre) {
    const auto header = decode_gre("gre", told(false, {{type, value}}));
    ASSERT_TRUE(header) << type;
    EXPECT_FALSE(header->is_usual) << type;
  }
  for (const Bytes& flags : {Bytes{2, 0, 0, 0}, Bytes{1, 0, 0, 0}, Bytes{7, 0, 0, 0}})
    EXPECT_FALSE(decode_gre("ip6gre", told(true, {{IFLA_GRE_FLAGS, flags}}))->is_usual);
  EXPECT_FALSE(decode_gre("ip6gre", told(true, {{IFLA_GRE_FLOWINFO, {0, 0, 0, 1}}}))->is_usual);
}

TEST(GreCodec, ALinkThatNoChangeMakesOursIsNone) {
  EXPECT_FALSE(decode_gre("gre", told(false, {{IFLA_GRE_REMOTE, {0, 0, 0, 0}}}))) << "it takes packets from anybody";
  EXPECT_FALSE(decode_gre("gre", told(false, {{IFLA_GRE_REMOTE, {1, 2}}})));
  EXPECT_FALSE(decode_gre("gre", told(false, {{IFLA_GRE_COLLECT_METADATA, {}}})));
  EXPECT_FALSE(decode_gre("gre", told(false, {{IFLA_GRE_IGNORE_DF, {1}}})));
  EXPECT_FALSE(decode_gre("ip6gre", {}));
}

TEST(GreHeader, CountsItsBytes) {
  EXPECT_EQ(bytes_of(to("192.0.2.1")), 24);
  EXPECT_EQ(bytes_of(to("192.0.2.1", 0)), 28);
  EXPECT_EQ(bytes_of(to("2001:db8::1")), 44);
  EXPECT_EQ(bytes_of(to("2001:db8::1", 7)), 48);
}

}  // namespace
}  // namespace moenet::net
