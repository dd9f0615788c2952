#include "bird/roa_file.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "bird/sample_policy.h"

namespace moenet::bird {
namespace {

std::string fault_of(std::string_view text) {
  const auto read = read_roa_file(text);
  return read ? "" : read.error().what;
}

TEST(RoaFile, ReadsWhatTheCommunityPublishes) {
  const auto read = read_roa_file(
      "#\n# dn42 ROA table\r\n#\n\n"
      "route fd42:d42:d42::/48 max 64 as 4242420000;\n"
      "route 172.20.0.53/32 max 32 as 4242423914; # anycast\r\n"
      "\troa 172.22.188.0/26  max\t29 as 4242420998 ;\n"
      "route 172.20.0.53/32 max 32 as 4242423914;\n"
      "route 172.20.0.0/24 max 28 as 0;");
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(*read, (std::vector<Roa>{{prefix("172.20.0.0/24"), 28, 0},
                                     {prefix("172.20.0.53/32"), 32, 4242423914},
                                     {prefix("172.22.188.0/26"), 29, 4242420998},
                                     {prefix("fd42:d42:d42::/48"), 64, 4242420000}}));
}

TEST(RoaFile, SaysNothingForNothing) {
  for (const char* text : {"", "\n", "# only\n#words", "  \t\r\n"}) {
    const auto read = read_roa_file(text);
    ASSERT_TRUE(read) << read.error().what;
    EXPECT_TRUE(read->empty());
  }
}

TEST(RoaFile, RefusesAnythingElseAndNamesTheLine) {
  const char* lines[] = {
      "<html>",
      "route 172.20.0.0/24 max 28 as 1",
      "route 172.20.0.0/24 max 28 as 1;;",
      "route fd00::/8 max 8 as 1; route fd00::/8 max 8 as 2;",
      "route 172.20.0.0/24 max 28 as 4294967296;",
      "route 172.20.0.0/24 max 28 as -1;",
      "route 172.20.0.0/24 max 28 as AS1;",
      "route 172.20.0.0/24 max 23 as 1;",
      "route 172.20.0.0/24 max 33 as 1;",
      "route fd00::/48 max 129 as 1;",
      "route fd00::/48 max 300 as 1;",
      "route 172.20.0.1/24 max 28 as 1;",
      "route 172.20.0.1 max 32 as 1;",
      "route 172.20.0.0/24 28 as 1;",
      "route 172.20.0.0/24 max 28;",
      "route 172.20.0.0/24 max 28 as 1 unreachable;",
      "Route 172.20.0.0/24 max 28 as 1;",
      "route;",
      ";",
      "include /etc/passwd;",
  };
  for (const std::string line : lines) {
    EXPECT_EQ(fault_of("# first\nroute 172.20.5.0/24 max 24 as 5;\n" + line + "\n"), "line 3 is no ROA: " + line);
  }
  EXPECT_EQ(fault_of("\";\n"), "line 1 is no ROA: \\\";");
  EXPECT_EQ(fault_of(std::string_view("\0", 1)), "line 1 is no ROA: \\x00");
  EXPECT_LT(fault_of(std::string(1'000'000, 'x')).size(), 200u);
}

TEST(RoaFile, HasAnEnd) {
  std::string text;
  for (std::size_t i = 0; i <= kMostRoasOfFile; ++i) text += "roa fd00::/8 max 8 as " + std::to_string(i) + ";\n";
  EXPECT_EQ(fault_of(text), "more than 100000 ROAs");
}

RC_GTEST_PROP(RoaFile, ReadsWhatThePolicyWouldWrite, (const std::vector<std::uint32_t>& seeds)) {
  std::vector<Roa> roas;
  std::string text;
  for (const std::uint32_t seed : seeds) {
    const auto length = static_cast<std::uint8_t>(seed % 33);
    const std::uint32_t bits = length == 0 ? 0 : (seed * 2'654'435'761u) >> (32 - length) << (32 - length);
    const auto at = [&](int shift) { return static_cast<std::uint8_t>(bits >> shift); };
    const Roa roa{{IpAddress::v4({at(24), at(16), at(8), at(0)}), length}, 32, seed};
    text += "  route " + roa.prefix.text() + " max 32 as " + std::to_string(roa.asn) + ";\n";
    roas.push_back(roa);
  }
  std::ranges::sort(roas);
  roas.erase(std::ranges::unique(roas).begin(), roas.end());
  RC_ASSERT(read_roa_file(text).value() == roas);
}

std::vector<Roa> so_many(std::size_t count) {
  std::vector<Roa> roas;
  for (std::size_t i = 0; i < count; ++i) roas.push_back({prefix("fd00::/8"), 8, static_cast<model::Asn>(i)});
  return roas;
}

TEST(RoaFile, MustNotLoseMoreThanHalfAtOnce) {
  const auto may_follow = [](std::size_t fresh, std::size_t before) {
    return check_successor(so_many(fresh), so_many(before)).has_value();
  };
  EXPECT_TRUE(may_follow(1, 0));
  EXPECT_FALSE(may_follow(0, 0));
  EXPECT_FALSE(may_follow(0, 1));
  EXPECT_TRUE(may_follow(1, 2));
  EXPECT_FALSE(may_follow(1, 3));
  EXPECT_TRUE(may_follow(2, 3));
  EXPECT_TRUE(may_follow(50, 100));
  EXPECT_FALSE(may_follow(49, 100));
  EXPECT_TRUE(may_follow(1000, 1));
  EXPECT_EQ(check_successor(so_many(1), so_many(3)).error().what, "holds 1 ROAs, less than half of the 3 before");
}

}  // namespace
}  // namespace moenet::bird
