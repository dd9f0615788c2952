#include "net/nfnetlink_codec.h"

#include <string>

#include <gtest/gtest.h>

#include "net/hex.h"

namespace moenet::net {
namespace {

using testing::hex;

// The bytes stand as their structures do.
// clang-format off
TEST(Nfnetlink, AsksAsTheKernelExpectsIt) {
  EXPECT_EQ(hex(encode_generation_query()),
            "14000000" "100a" "0000" "00000000" "00000000"  // NFNL_SUBSYS_NFTABLES, NFT_MSG_GETGEN
            "00" "00" "0000");                              // nfgenmsg
  EXPECT_EQ(hex(encode_inet_table_query("moenet")),
            "20000000" "010a" "0000" "00000000" "00000000"  // NFT_MSG_GETTABLE
            "01" "00" "0000"                                // NFPROTO_INET
            "0b00" "0100" "6d6f656e657400" "00");           // NFTA_TABLE_NAME
}

// NFT_MSG_NEWGEN with NFTA_GEN_ID 0x01020304 and an attribute that nobody knows.
const std::vector<std::uint8_t> kGeneration = {
    0x24, 0, 0, 0, 0x0f, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0,
    8, 0, 99, 0, 0, 0, 0, 0,
    8, 0, 1, 0, 1, 2, 3, 4};
// NFT_MSG_NEWTABLE with NFTA_TABLE_NAME and NFTA_TABLE_FLAGS: NFT_TABLE_F_DORMANT.
const std::vector<std::uint8_t> kDormantTable = {
    0x24, 0, 0, 0, 0, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    1, 0, 0, 0,
    6, 0, 1, 0, 'm', 0, 0, 0,
    8, 0, 2, 0, 0, 0, 0, 1};
// clang-format on

TEST(Nfnetlink, ReadsTheFlagsOfATable) {
  EXPECT_EQ(decode_table_flags(kDormantTable).value(), 1U);
  EXPECT_EQ(decode_table_flags(kGeneration).value(), std::nullopt) << "a message of another type";
  for (std::size_t size = 0; size < kDormantTable.size(); ++size) {
    EXPECT_FALSE(decode_table_flags(std::span(kDormantTable).first(size))) << size;
  }
}

TEST(Nfnetlink, ReadsTheGeneration) {
  EXPECT_EQ(decode_generation(kGeneration).value(), 0x01020304U);
  EXPECT_EQ(decode_generation(encode_generation_query()).value(), std::nullopt) << "a message of another type";
}

TEST(Nfnetlink, BytesThatAreCutShortAreRefused) {
  for (std::size_t size = 0; size < kGeneration.size(); ++size) {
    EXPECT_FALSE(decode_generation(std::span(kGeneration).first(size))) << size;
  }
  auto without = kGeneration;
  without[30] = 99;
  EXPECT_FALSE(decode_generation(without));
}

}  // namespace
}  // namespace moenet::net
