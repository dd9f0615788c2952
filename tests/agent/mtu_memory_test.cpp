#include "agent/mtu_memory.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

namespace moenet::agent {
namespace {

const WallTime kNow{std::chrono::seconds(1'800'000'000)};

TunnelPath path(const model::Owner& owner, std::optional<std::uint16_t> bytes, WallTime measured = kNow) {
  return {owner, IpAddress::v4({192, 0, 2, 7}), 1420, 60, bytes, std::nullopt, measured};
}

// What is in force after each of the searches.
std::vector<std::uint32_t> in_force(std::initializer_list<std::uint32_t> searches) {
  std::vector<std::uint32_t> all;
  std::optional<KnownMtu> known;
  for (const std::uint32_t fits : searches) {
    known = after_search(known, fits);
    all.push_back(known->mtu_bytes);
  }
  return all;
}

using Mtus = std::vector<std::uint32_t>;

TEST(MtuMemory, TheFirstSearchCountsAtOnceAndThenItTakesTwoInARow) {
  EXPECT_EQ(in_force({1300, 1300}), (Mtus{1300, 1300}));
  EXPECT_EQ(in_force({1440, 1340, 1340}), (Mtus{1440, 1440, 1340})) << "lower, twice";
  EXPECT_EQ(in_force({1340, 1440, 1440}), (Mtus{1340, 1340, 1440})) << "higher, twice";
  EXPECT_EQ(in_force({1440, 1340, 1440, 1340, 1440}), (Mtus{1440, 1440, 1440, 1440, 1440})) << "not in a row";
  EXPECT_EQ(in_force({1400, 1300, 1440, 1300, 1440}), (Mtus{1400, 1400, 1400, 1400, 1400})) << "never twice one way";
}

TEST(MtuMemory, WhatBothSearchesCarryIsInForce) {
  EXPECT_EQ(in_force({1440, 1340, 1300}), (Mtus{1440, 1440, 1300}));
  EXPECT_EQ(in_force({1440, 1300, 1340, 1340}), (Mtus{1440, 1440, 1300, 1340}));
  EXPECT_EQ(in_force({1300, 1440, 1400}), (Mtus{1300, 1300, 1400}));
  EXPECT_EQ(in_force({1300, 1400, 1440, 1440}), (Mtus{1300, 1300, 1400, 1440}));
}

TEST(MtuMemory, APathThatIsNotKnownOrWasNotSearchedChangesNothing) {
  const KnownMtus before{{"mesh/3", {1440, 1340}}};
  KnownMtus known = before;
  take_paths({path("mesh/3", std::nullopt), path("mesh/4", std::nullopt)}, kNow, known);
  EXPECT_EQ(known, before);
  take_paths({path("mesh/3", 1400, kNow - std::chrono::seconds(1))}, kNow, known);
  EXPECT_EQ(known, before);
  take_paths({path("mesh/3", 1400), path("mesh/4", 1500)}, kNow, known);
  EXPECT_EQ(known, (KnownMtus{{"mesh/3", {1340, std::nullopt}}, {"mesh/4", {1440, std::nullopt}}}));
  EXPECT_EQ(limits_of(known), (MtuLimits{{"mesh/3", 1340}, {"mesh/4", 1440}}));
}

TEST(MtuMemory, ATunnelIsNeverBelowWhatIpv6NeedsNorAboveWhatWasAskedFor) {
  std::mt19937 random(7);
  const auto number = [&](std::uint32_t low, std::uint32_t high) {
    return std::uniform_int_distribution<std::uint32_t>(low, high)(random);
  };
  for (int round = 0; round < 10'000; ++round) {
    const std::uint32_t wanted = number(1280, 9000);
    std::optional<KnownMtu> known;
    std::uint32_t least = UINT32_MAX;
    std::uint32_t most = 0;
    for (std::uint32_t searches = number(1, 6); searches > 0; --searches) {
      const std::uint32_t fits = number(1200, 9020);
      least = std::min(least, fits);
      most = std::max(most, fits);
      known = after_search(known, fits);
    }
    EXPECT_GE(known->mtu_bytes, least);
    EXPECT_LE(known->mtu_bytes, most);
    const std::uint32_t mtu = limited_mtu(wanted, known->mtu_bytes);
    EXPECT_GE(mtu, 1280u);
    EXPECT_LE(mtu, wanted);
    EXPECT_LE(mtu, std::max(1280u, known->mtu_bytes));
  }
  EXPECT_EQ(limited_mtu(1420, 0), 1420u) << "nothing is known";
}

KnownMtus sample() {
  return {{"mesh/3", {1340, 1440}}, {"session/00000000-0000-4000-8000-000000000001", {1440, std::nullopt}}};
}

TEST(MtuMemory, IsReadBackAsItWasWritten) {
  EXPECT_EQ(read_mtus(write_mtus(sample())), sample());
  EXPECT_EQ(read_mtus(write_mtus({})), KnownMtus{});
}

TEST(MtuMemory, IsTakenWholeOrNotAtAll) {
  const std::string good = write_mtus(sample());
  for (const auto& [what, with] : {std::pair<std::string_view, std::string_view>{"\"mesh/3\"", "\"mesh/x\""},
                                   {"\"mesh/3\"", "\"loopback\""},
                                   {"\"mesh/3\"", "7"},
                                   {"\"mtu\":1340", "\"mtu\":0"},
                                   {"\"mtu\":1340", "\"mtu\":65536"},
                                   {"\"mtu\":1340", "\"mtu\":\"small\""},
                                   {"\"mtu\":1340", "\"xtu\":1340"},
                                   {"\"last\":1440", "\"last\":-1"},
                                   {"\"session/00000000-0000-4000-8000-000000000001\"", "\"mesh/3\""},
                                   {"\"tunnels\"", "\"links\""},
                                   {"]}", "]"}}) {
    std::string bad = good;
    const auto at = bad.find(what);
    ASSERT_NE(at, std::string::npos) << what << " in " << good;
    bad.replace(at, what.size(), with);
    const auto read = read_mtus(bad);
    ASSERT_FALSE(read) << bad;
    EXPECT_EQ(read.error().code, Errc::invalid);
  }
}

}  // namespace
}  // namespace moenet::agent
