#include "net/rtnl_codec.h"

#include <linux/rtnetlink.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "net/hex.h"
#include "net/wg_arbitrary.h"

namespace moenet::net {
namespace {

using testing::hex;

// The bytes of the golden messages stand as their structures do.
// clang-format off
TEST(Rtnl, EncodesACreationAsTheKernelExpectsIt) {
  EXPECT_EQ(hex(encode_create_link(7, "wg0", "wireguard")),
            "3c000000" "1000" "0006" "00000000" "00000000"          // RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL
            "00" "00" "0000" "07000000" "00000000" "00000000"       // ifinfomsg with the index
            "0800" "0300" "77673000"                                // IFLA_IFNAME
            "1400" "1280" "0e00" "0100" "77697265677561726400" "0000");  // IFLA_LINKINFO { IFLA_INFO_KIND }
}

TEST(Rtnl, EncodesAnAddressWithoutDuplicateDetectionAndWithOurNumber) {
  const LinkAddress address{IpPrefix::parse("fe80::1/64").value(), std::nullopt};
  EXPECT_EQ(hex(encode_add_address(7, address)),
            "48000000" "1400" "0005" "00000000" "00000000"      // RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE
            "0a" "40" "02" "fd" "07000000"                      // AF_INET6, /64, IFA_F_NODAD, RT_SCOPE_LINK
            "1400" "0200" "fe800000000000000000000000000001"    // IFA_LOCAL
            "1400" "0100" "fe800000000000000000000000000001"    // IFA_ADDRESS
            "0500" "0b00" "6d" "000000");                       // IFA_PROTO
  EXPECT_TRUE(decode_address(encode_add_address(7, address)).value()->second.is_ours);
}

// clang-format on

TEST(Rtnl, AMessageOfAnotherTypeIsNone) {
  EXPECT_EQ(decode_link(encode_link_dump()).value(), std::nullopt);
  EXPECT_EQ(decode_address(encode_link_dump()).value(), std::nullopt);
}

TEST(Rtnl, BytesThatAreCutShortAreRefused) {
  const NetlinkBytes link = encode_create_link(7, "wg0", "wireguard");
  const NetlinkBytes address = encode_add_address(7, {IpPrefix::parse("10.0.0.1/8").value(), std::nullopt});
  for (std::size_t size = 0; size < link.size(); ++size) EXPECT_FALSE(decode_link(std::span(link).first(size)));
  for (std::size_t size = 0; size < address.size(); ++size)
    EXPECT_FALSE(decode_address(std::span(address).first(size)));
  NetlinkBytes nameless = link;
  nameless[34] = 99;  // IFLA_IFNAME becomes something else
  EXPECT_FALSE(decode_link(nameless));
}

TEST(Rtnl, OverlongTextsAreCutToWhatTheKernelTakes) {
  const Link link = decode_link(encode_create_link(7, std::string(300, 'n'), std::string(300, 'k'))).value().value();
  EXPECT_EQ(link.name, std::string(15, 'n'));
  EXPECT_EQ(link.kind, std::string(15, 'k'));
  EXPECT_EQ(encode_set_alias(7, std::string(300, 'a')).size(), encode_set_alias(7, std::string(255, 'a')).size());
}

RC_GTEST_PROP(RtnlProperty, DecodingAnEncodedAddressGivesItBack, ()) {
  LinkAddress address;
  address.local.address = testing::arbitrary_address();
  address.local.length = static_cast<std::uint8_t>(*rc::gen::inRange<unsigned>(0, address.local.address.bits() + 1));
  if (const IpAddress peer = testing::arbitrary_address();
      peer.family() == address.local.address.family() && peer != address.local.address) {
    address.peer = peer;
  }
  const auto index = *rc::gen::inRange(1, 1 << 30);
  RC_ASSERT(decode_address(encode_add_address(index, address)).value() == std::pair(index, address));
}

RC_GTEST_PROP(RtnlProperty, AnyBytesAreReadOrRefused, (std::vector<std::uint8_t> bytes)) {
  for (const std::uint16_t type : {RTM_NEWLINK, RTM_NEWADDR}) {
    nlmsghdr header{};
    header.nlmsg_type = type;
    bytes.resize(std::max(bytes.size(), sizeof header));
    header.nlmsg_len = static_cast<std::uint32_t>(bytes.size());
    std::memcpy(bytes.data(), &header, sizeof header);
    (void)decode_link(bytes);
    (void)decode_address(bytes);
  }
}

}  // namespace
}  // namespace moenet::net
