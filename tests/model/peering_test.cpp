#include "model/peering.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace moenet::model {
namespace {

IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }

const char* const kOurLinkLocal = "fe80::998:101:2:1";

NodeIdentity node() { return {"jp1", ip("172.22.188.2"), ip("fd00:4242:7777:101:2::1"), ip(kOurLinkLocal)}; }

// "" is absent.
Session session(const char* ipv4, const char* ipv6, const char* link_local) {
  const auto optional = [](const char* text) { return *text == '\0' ? std::nullopt : std::optional(ip(text)); };
  Session s;
  s.ipv4 = optional(ipv4);
  s.ipv6 = optional(ipv6);
  s.ipv6_link_local = optional(link_local);
  return s;
}

Session mp(Session s, bool extended_next_hop) {
  s.mp_bgp = true;
  s.extended_next_hop = extended_next_hop;
  return s;
}

std::string addresses_of(const Peering& peering) {
  std::string text;
  for (const InterfaceAddress& address : peering.addresses) {
    text += (text.empty() ? "" : ", ") + address.local.text() + (address.peer ? " peer " + address.peer->text() : "");
  }
  return text;
}

struct NeighborCase {
  const char* ipv4;
  const char* ipv6;
  const char* link_local;
  const char* neighbor;
  const char* source;
  const char* addresses;
};

TEST(Peering, FollowsTheNeighborRule) {
  const NeighborCase cases[] = {
      {"", "fe80::102", "fe80::998", "fe80::102", kOurLinkLocal, "fe80::998:101:2:1/64"},
      {"", "fe80::102", kOurLinkLocal, "fe80::102", kOurLinkLocal, "fe80::998:101:2:1/64"},
      {"", "", "fe80::7", "fe80::7", kOurLinkLocal, "fe80::998:101:2:1/64"},
      {"", "fd42:101::1", "fe80::7", "fe80::7", kOurLinkLocal,
       "fd00:4242:7777:101:2::1/128 peer fd42:101::1, fe80::998:101:2:1/64"},
      {"", "fd42:101::1", kOurLinkLocal, "fd42:101::1", "fd00:4242:7777:101:2::1",
       "fd00:4242:7777:101:2::1/128 peer fd42:101::1, fe80::998:101:2:1/64"},
      {"172.20.1.1", "fd42:101::1", "", "fd42:101::1", "fd00:4242:7777:101:2::1",
       "172.22.188.2/32 peer 172.20.1.1, fd00:4242:7777:101:2::1/128 peer fd42:101::1, fe80::998:101:2:1/64"},
      {"172.20.1.1", "", "fe80::7", "fe80::7", kOurLinkLocal, "172.22.188.2/32 peer 172.20.1.1, fe80::998:101:2:1/64"},
      {"172.20.1.1", "", kOurLinkLocal, "172.20.1.1", "172.22.188.2",
       "172.22.188.2/32 peer 172.20.1.1, fe80::998:101:2:1/64"},
      {"172.20.1.1", "", "", "172.20.1.1", "172.22.188.2", "172.22.188.2/32 peer 172.20.1.1, fe80::998:101:2:1/64"},
  };
  for (const NeighborCase& c : cases) {
    const auto peering = peering_of(session(c.ipv4, c.ipv6, c.link_local), node());
    ASSERT_TRUE(peering) << peering.error().text();
    EXPECT_EQ(peering->neighbor.text(), c.neighbor);
    EXPECT_EQ(peering->source.text(), c.source);
    EXPECT_EQ(addresses_of(*peering), c.addresses);
    EXPECT_EQ(peering->carries_ipv4, peering->neighbor.is_v4());
    EXPECT_EQ(peering->carries_ipv6, peering->neighbor.is_v6());
    EXPECT_FALSE(peering->extended_next_hop);
  }
}

struct FaultCase {
  const char* ipv4;
  const char* ipv6;
  const char* link_local;
  const char* fault;
};

TEST(Peering, RefusesOurOwnAddressesAsTheNeighbor) {
  const FaultCase cases[] = {
      {"", kOurLinkLocal, "", "ipv6: neighbor fe80::998:101:2:1 equals our own link-local"},
      {"", kOurLinkLocal, "fe80::7", "ipv6: neighbor fe80::998:101:2:1 equals our own link-local"},
      {"", "", kOurLinkLocal, "ipv6LinkLocal: neighbor fe80::998:101:2:1 equals our own link-local"},
      {"172.22.188.2", "", "", "ipv4: neighbor 172.22.188.2 equals our own IPv4 address"},
      {"172.22.188.2", "fe80::7", "", "ipv4: neighbor 172.22.188.2 equals our own IPv4 address"},
      {"", "fd00:4242:7777:101:2::1", "", "ipv6: neighbor fd00:4242:7777:101:2::1 equals our own IPv6 address"},
      {"", "", "", "ipv6: the session has no address of the peer: expected ipv6, ipv6LinkLocal or ipv4"},
  };
  for (const FaultCase& c : cases) {
    const auto peering = peering_of(session(c.ipv4, c.ipv6, c.link_local), node());
    ASSERT_FALSE(peering) << c.fault;
    EXPECT_EQ(peering.error().text(), c.fault);
  }
}

TEST(Peering, NamesTheAddressThatTheNodeLacks) {
  const NodeIdentity bare{"x", {}, {}, {}};
  EXPECT_EQ(peering_of(session("", "fe80::7", ""), bare).error().text(),
            "ipv6: neighbor fe80::7 needs a link-local address of this node, which has none");
  EXPECT_EQ(peering_of(session("", "fd42::7", ""), bare).error().text(),
            "ipv6: neighbor fd42::7 needs an IPv6 address of this node, which has none");
  EXPECT_EQ(peering_of(session("172.20.1.1", "", ""), bare).error().text(),
            "ipv4: neighbor 172.20.1.1 needs an IPv4 address of this node, which has none");
}

TEST(Peering, CarriesBothFamiliesWithMpBgpAndExtendedNextHop) {
  const auto peering = peering_of(mp(session("", "fe80::7", ""), true), node());
  ASSERT_TRUE(peering);
  EXPECT_TRUE(peering->carries_ipv4);
  EXPECT_TRUE(peering->carries_ipv6);
  EXPECT_TRUE(peering->extended_next_hop);
  EXPECT_EQ(addresses_of(*peering), "fe80::998:101:2:1/64");
}

TEST(Peering, CarriesBothFamiliesWithMpBgpAndAnAddressOfEach) {
  const auto peering = peering_of(mp(session("172.20.1.1", "fd42::7", ""), false), node());
  ASSERT_TRUE(peering);
  EXPECT_TRUE(peering->carries_ipv4);
  EXPECT_TRUE(peering->carries_ipv6);
  EXPECT_FALSE(peering->extended_next_hop);
}

TEST(Peering, LeavesOutIpv4WithoutANextHop) {
  const auto peering = peering_of(mp(session("", "fe80::7", ""), false), node());
  ASSERT_TRUE(peering);
  EXPECT_FALSE(peering->carries_ipv4);
  EXPECT_TRUE(peering->carries_ipv6);
}

TEST(Peering, NeedsOurIpv4OnlyWhenItIsTheNextHop) {
  NodeIdentity no_ipv4 = node();
  no_ipv4.ipv4.reset();
  EXPECT_FALSE(peering_of(mp(session("172.20.1.1", "fe80::7", ""), false), no_ipv4));
  const auto extended = peering_of(mp(session("172.20.1.1", "fe80::7", ""), true), no_ipv4);
  ASSERT_TRUE(extended);
  EXPECT_TRUE(extended->carries_ipv4);
}

TEST(Peering, NeverExtendsNextHopsWithoutMpBgpOrOverIpv4) {
  Session plain = session("", "fe80::7", "");
  plain.extended_next_hop = true;
  EXPECT_FALSE(peering_of(plain, node())->extended_next_hop);
  EXPECT_FALSE(peering_of(plain, node())->carries_ipv4);
  const auto over_ipv4 = peering_of(mp(session("172.20.1.1", "", ""), true), node());
  EXPECT_FALSE(over_ipv4->extended_next_hop);
  EXPECT_TRUE(over_ipv4->carries_ipv4);
  EXPECT_TRUE(over_ipv4->carries_ipv6);
}

RC_GTEST_PROP(Peering, NeverTalksToItself, ()) {
  const auto choose = [](std::initializer_list<const char*> texts) {
    return *rc::gen::elementOf(std::vector<const char*>(texts));
  };
  Session s = session(choose({"", "172.20.1.1", "172.22.188.2"}),
                      choose({"", "fe80::7", "fd42::7", "fd00:4242:7777:101:2::1", kOurLinkLocal}),
                      choose({"", "fe80::8", kOurLinkLocal}));
  s.mp_bgp = *rc::gen::arbitrary<bool>();
  s.extended_next_hop = *rc::gen::arbitrary<bool>();
  NodeIdentity us = node();
  if (*rc::gen::arbitrary<bool>()) us.ipv4.reset();
  if (*rc::gen::arbitrary<bool>()) us.ipv6.reset();
  const auto peering = peering_of(s, us);
  if (!peering) return;
  RC_ASSERT(peering->neighbor != peering->source);
  RC_ASSERT(peering->neighbor.family() == peering->source.family());
  RC_ASSERT(peering->neighbor.is_link_local() == peering->source.is_link_local());
  const bool carries_its_own_family = peering->neighbor.is_v4() ? peering->carries_ipv4 : peering->carries_ipv6;
  RC_ASSERT(carries_its_own_family);
  RC_ASSERT(std::is_sorted(peering->addresses.begin(), peering->addresses.end()));
  const bool has_source = std::any_of(peering->addresses.begin(), peering->addresses.end(),
                                      [&](const InterfaceAddress& a) { return a.local.address == peering->source; });
  RC_ASSERT(has_source);
}

}  // namespace
}  // namespace moenet::model
