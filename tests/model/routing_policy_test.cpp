#include "model/routing_policy.h"

#include <algorithm>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "model/any_json.h"
#include "model/region.h"

namespace moenet::model {
namespace {

namespace json = boost::json;

json::object good_peer(int id) {
  const std::string number = std::to_string(id);
  return {{"nodeId", id},
          {"nodeName", "n" + number},
          {"regionCode", 101},
          {"loopbackIpv4", "172.22.188." + number},
          {"loopbackIpv6", "fd00:4242:7777:101:" + number + "::1"},
          {"isRr", true}};
}

// An answer that says as little as it may.
json::object sparse() {
  return {{"node", {{"id", 2}}}, {"policy", {{"dn42As", 4242420998u}}}, {"ibgpPeers", json::array()}};
}

// The sparse answer with one field of one of its objects replaced by JSON text.
Result<BirdPolicy> with(std::string_view object, std::string_view key, std::string_view text) {
  json::object answer = sparse();
  answer[json::string_view(object)].as_object()[json::string_view(key)] = json::parse(json::string_view(text));
  return read_bird_config(answer);
}

std::string fault_of(const Result<BirdPolicy>& policy) { return policy ? "" : policy.error().what; }

TEST(RoutingPolicy, HasTheTableOfDn42) {
  const RoutingPolicy policy = default_policy(64496);
  EXPECT_EQ(policy.asn, 64496u);
  EXPECT_EQ(policy.latency.size(), 9u);
  EXPECT_EQ(policy.latency.at("tier0"), (Community{64511, 1}));
  EXPECT_EQ(policy.latency.at("tier8"), (Community{64511, 9}));
  EXPECT_EQ(policy.bandwidth.at("100k_plus"), (Community{64511, 21}));
  EXPECT_EQ(policy.bandwidth.at("10g_plus"), (Community{64511, 25}));
  EXPECT_EQ(policy.crypto.at("pq"), (Community{64511, 36}));
  EXPECT_EQ(policy.region.at("as_e"), (Community{64511, 52}));
  EXPECT_EQ(policy.origin.at("af"), (LargeCommunity{64496, 1, 500}));
  EXPECT_EQ(policy.subregion.at("eu_e"), (LargeCommunity{64496, 2, 303}));
  EXPECT_EQ(policy.link_bandwidth.at("10m"), (LargeCommunity{64496, 5, 10}));
  EXPECT_EQ(policy.ebgp_import_limit, 9000u);
  for (const Region& region : regions()) {
    EXPECT_TRUE(policy.origin.contains(std::string(region.continent))) << region.name;
    EXPECT_TRUE(policy.subregion.contains(std::string(region.subregion))) << region.name;
    EXPECT_TRUE(policy.region.contains(std::string(region.community))) << region.name;
    EXPECT_EQ(policy.subregion.at(std::string(region.subregion)).value, static_cast<std::uint32_t>(region.code));
  }
}

TEST(BirdConfig, HoldsTheDefaultsWhenNothingIsSaid) {
  const auto policy = read_bird_config(sparse());
  ASSERT_TRUE(policy) << policy.error().what;
  EXPECT_EQ(policy->policy, default_policy(4242420998));
  PolicyNode node;
  node.id = 2;
  EXPECT_EQ(policy->node, node);
  EXPECT_TRUE(policy->ibgp_peers.empty());
}

TEST(BirdConfig, ReadsEveryDialectOfTheAsNumber) {
  for (const char* text : {"4242420998", R"("4242420998")", "4242420998.0"}) {
    EXPECT_EQ(with("policy", "dn42As", text)->policy.asn, 4242420998u) << text;
  }
}

TEST(BirdConfig, TakesZeroAndAbsentLimitsAsTheDefaults) {
  for (const char* text : {"0", "null", R"("")"}) {
    EXPECT_EQ(with("policy", "ebgpImportLimit", text)->policy.ebgp_import_limit, 9000u) << text;
    EXPECT_EQ(with("policy", "asPathMaxLen", text)->policy.as_path_max_len, 8u) << text;
  }
  EXPECT_EQ(with("policy", "ebgpExportLimit", "\"7\"")->policy.ebgp_export_limit, 7u);
  EXPECT_EQ(with("policy", "ibgpImportLimit", "4294967295")->policy.ibgp_import_limit, UINT32_MAX);
  EXPECT_EQ(with("policy", "ibgpExportLimit", "1")->policy.ibgp_export_limit, 1u);
}

TEST(BirdConfig, ReadsTheNodesConstantsAsKeys) {
  const auto policy = read_bird_config(json::parse(
      R"({"node":{"id":"2","name":"jp1","type":"rr","bandwidth":"10G","regionCode":302,
                  "continentLc":"LC_ORIGIN_AS","subregionLc":"LC_REGION_AS_E","regionCommunity":"DN42_REGION_AS_E",
                  "bandwidthCommunity":"DN42_BW_1G_PLUS"},
          "policy":{"dn42As":64496},"ibgpPeers":[]})"));
  ASSERT_TRUE(policy) << policy.error().what;
  EXPECT_EQ(policy->node,
            (PolicyNode{2, "jp1", true, 10'000, 302, std::nullopt, std::nullopt, "as", "as_e", "as_e", "1g_plus"}));
  EXPECT_EQ(with("node", "isRr", "false")->node.is_rr, false);
  EXPECT_EQ(with("node", "isRr", "true")->node.is_rr, true);
}

TEST(BirdConfig, DerivesTheNodesKeysFromItsRegionAndBandwidth) {
  for (const char* unsaid : {R"("")", "null", R"("LC_ORIGIN_MOON")"}) {
    json::object answer = sparse();
    json::object& node = answer["node"].as_object();
    node["regionCode"] = "303";
    node["bandwidth"] = "500M";
    node["continentLc"] = json::parse(unsaid);
    node["regionCommunity"] = json::parse(unsaid);
    const auto policy = read_bird_config(answer);
    ASSERT_TRUE(policy) << policy.error().what;
    EXPECT_EQ(policy->node.continent, "eu");
    EXPECT_EQ(policy->node.subregion, "eu_e");
    EXPECT_EQ(policy->node.region_community, "eu");
    EXPECT_EQ(policy->node.bandwidth_community, "100m_plus");
  }
}

TEST(BirdConfig, ReadsBandwidths) {
  const std::tuple<const char*, std::uint32_t, const char*> rows[] = {{"1G", 1000, "1g_plus"},
                                                                      {" 100m ", 100, "100m_plus"},
                                                                      {"2.5G", 2500, "1g_plus"},
                                                                      {"10G", 10'000, "10g_plus"},
                                                                      {"5M", 5, "1m_plus"},
                                                                      {"20M", 20, "10m_plus"},
                                                                      {"", 0, ""},
                                                                      {"fast", 0, ""},
                                                                      {"1000", 0, ""},
                                                                      {"-1G", 0, ""},
                                                                      {"1Gbit", 0, ""},
                                                                      {"infG", 0, ""},
                                                                      {"99999999999G", 0, ""}};
  for (const auto& [text, mbit, key] : rows) {
    const auto policy = with("node", "bandwidth", "\"" + std::string(text) + "\"");
    ASSERT_TRUE(policy) << text;
    EXPECT_EQ(policy->node.bandwidth_mbit, mbit) << text;
    EXPECT_EQ(policy->node.bandwidth_community, key) << text;
  }
}

TEST(BirdConfig, MergesTablesByName) {
  const auto policy = with("policy", "communities", R"({"crypto":{"none":["64511",31],"psk":[64511,99],"new":[1,2]}})");
  ASSERT_TRUE(policy) << policy.error().what;
  CommunityNames expected = default_policy(1).crypto;
  expected["psk"] = {64511, 99};
  expected["new"] = {1, 2};
  EXPECT_EQ(policy->policy.crypto, expected);
  EXPECT_EQ(policy->policy.latency, default_policy(1).latency);
}

TEST(BirdConfig, DropsADefaultWhoseValueMeansSomethingElseHere) {
  const auto policy = with("policy", "communities", R"({"bandwidth":{"10g_plus":[64511,22],"1g_plus":[64511,25]}})");
  ASSERT_TRUE(policy) << policy.error().what;
  EXPECT_EQ(policy->policy.bandwidth, (CommunityNames{{"100k_plus", {64511, 21}},
                                                      {"10g_plus", {64511, 22}},
                                                      {"10m_plus", {64511, 23}},
                                                      {"100m_plus", {64511, 24}},
                                                      {"1g_plus", {64511, 25}}}));
  const auto large = with("policy", "largeCommunities", R"({"origin":{"na":[5,1,7]}})");
  ASSERT_TRUE(large) << large.error().what;
  EXPECT_EQ(large->policy.origin.at("na"), (LargeCommunity{5, 1, 7}));
  EXPECT_EQ(large->policy.origin.at("eu"), (LargeCommunity{4242420998, 1, 300}));
}

TEST(BirdConfig, ReadsValidatorsInOrderOfTheirNames) {
  const auto policy = with("policy", "rpkiServers",
                           R"([{"name":"b-1.x","host":"rpki.example.net","port":"323"},
                               {"name":"Akae","host":"[2001:db8::1]"},{"name":"c","host":"2001:db8::1:2","port":8082}])");
  ASSERT_TRUE(policy) << policy.error().what;
  EXPECT_EQ(policy->policy.rpki_servers, (std::vector<RpkiServer>{{"Akae", {"2001:db8::1", 8082}},
                                                                  {"b_1_x", {"rpki.example.net", 323}},
                                                                  {"c", {"2001:db8::1:2", 8082}}}));
}

TEST(BirdConfig, SortsTheBlocklist) {
  const auto policy = with("policy", "blocklist",
                           R"({"asns":["4242420002",4242420001,4242420002],
                               "prefixes":["fd00:1::/48","172.20.1.0/24","172.20.1.0/24","172.20.0.53"]})");
  ASSERT_TRUE(policy) << policy.error().what;
  EXPECT_EQ(policy->policy.blocked_asns, (std::vector<Asn>{4242420001, 4242420002}));
  std::string prefixes;
  for (const IpPrefix& prefix : policy->policy.blocked_prefixes) prefixes += prefix.text() + " ";
  EXPECT_EQ(prefixes, "172.20.0.53/32 172.20.1.0/24 fd00:1::/48 ");
}

TEST(BirdConfig, SortsItsPeers) {
  json::object answer = sparse();
  answer["ibgpPeers"] = json::array{good_peer(9), good_peer(1)};
  const auto policy = read_bird_config(answer);
  ASSERT_TRUE(policy) << policy.error().what;
  ASSERT_EQ(policy->ibgp_peers.size(), 2u);
  EXPECT_EQ(policy->ibgp_peers[0], (MeshMember{1, "n1", 101, IpAddress::parse("172.22.188.1").value(),
                                               IpAddress::parse("fd00:4242:7777:101:1::1").value(), true}));
  EXPECT_EQ(policy->ibgp_peers[1].node_id, 9u);
}

TEST(BirdConfig, TellsWhatIsWrong) {
  const std::tuple<const char*, const char*, const char*, const char*> rows[] = {
      {"node", "id", "0", "node.id: 0 is not a number from 1 to 999"},
      {"node", "id", "null", "node.id: expected a number from 1 to 999"},
      {"node", "loopbackIpv4", "\"x\"", "node.loopbackIpv4: 'x' is not a unicast IPv4 address"},
      {"node", "subregionLc", R"("LC_REGION_a b")", "node.subregionLc: 'LC_REGION_a b' is not the name of a community"},
      {"policy", "dn42As", "0", "policy.dn42As: 0 is not a number from 1 to 4294967295"},
      {"policy", "dn42As", "null", "policy.dn42As: expected a number from 1 to 4294967295"},
      {"policy", "dn42Ipv4Prefix", "\"fd00::/48\"", "policy.dn42Ipv4Prefix: 'fd00::/48' is not an IPv4 network"},
      {"policy", "dn42Ipv4Prefix", "\"0.0.0.0/0\"", "policy.dn42Ipv4Prefix: '0.0.0.0/0' is not an IPv4 network"},
      {"policy", "dn42Ipv6Prefix", "\"fd00::1/48\"", "policy.dn42Ipv6Prefix: 'fd00::1/48' is not an IPv6 network"},
      {"policy", "asPathMaxLen", "256", "policy.asPathMaxLen: 256 is not a number from 0 to 255"},
      {"policy", "ebgpImportLimit", "-1", "policy.ebgpImportLimit: -1 is not a number from 0 to 4294967295"},
      {"policy", "rpkiServers", "{}", "policy.rpkiServers: an object is not a list of at most 16"},
      {"policy", "rpkiServers", R"([{"name":"a;b","host":"x"}])",
       "policy.rpkiServers[0].name: 'a;b' is not a name of A-Z a-z 0-9 _, at most 32 characters"},
      {"policy", "rpkiServers", R"([{"name":"a","host":"x"},{"name":"a","host":"y"}])",
       "policy.rpkiServers[1].name: 'a' is not the name of one server alone"},
      {"policy", "rpkiServers", R"([{"name":"a","host":"x:1"}])",
       "policy.rpkiServers[0].host: 'x:1' is not a host name or an address"},
      {"policy", "rpkiServers", R"([{"name":"a","host":"x\";"}])",
       "policy.rpkiServers[0].host: 'x\\\";' is not a host name or an address"},
      {"policy", "rpkiServers", R"([{"name":"a","host":"x","port":0}])",
       "policy.rpkiServers[0].port: 0 is not a number from 1 to 65535"},
      {"policy", "communities", R"({"latency":{"tier0":[64511]}})",
       "policy.communities.latency.tier0: a list is not a community, such as [64511,1]"},
      {"policy", "communities", R"({"latency":{"tier0":[65536,1]}})",
       "policy.communities.latency.tier0: a list is not a community, such as [64511,1]"},
      {"policy", "communities", R"({"region":{"EU;":[1,1]}})",
       "policy.communities.region: an object is not a table whose names are of a-z 0-9 _, at most 32 characters each"},
      {"policy", "communities", "[]", "policy.communities: a list is not an object"},
      {"policy", "largeCommunities", R"({"origin":{"eu":[1,2]}})",
       "policy.largeCommunities.origin.eu: a list is not a large community, such as [4242420998,1,100]"},
      {"policy", "blocklist", R"({"asns":[1,0]})", "policy.blocklist.asns: a list is not AS numbers only"},
      {"policy", "blocklist", R"({"prefixes":["fd00::1/48"]})",
       "policy.blocklist.prefixes: a list is not networks only"},
      {"policy", "blocklist", R"({"prefixes":5})", "policy.blocklist.prefixes: 5 is not a list of at most 10000"},
  };
  for (const auto& [object, key, text, fault] : rows) {
    const auto policy = with(object, key, text);
    EXPECT_EQ(fault_of(policy), std::string("bird config: ") + fault);
    if (policy) continue;
    EXPECT_EQ(policy.error().code, Errc::invalid);
  }
}

TEST(BirdConfig, IsRefusedWholeForOnePeer) {
  const std::tuple<const char*, const char*, const char*> rows[] = {
      {"nodeId", "1", "nodeId: 1 is not a node that is listed once"},
      {"nodeId", "2", "nodeId: 2 is not another node than this one"},
      {"nodeId", "\"\"", "nodeId: '' is not a number from 1 to 999"},
      {"loopbackIpv4", "\"172.22.188.1\"", "loopbackIpv4: '172.22.188.1' is not an address of this node alone"},
      {"loopbackIpv6", "\"fd00:4242:7777:101:2::1/128\"",
       "loopbackIpv6: 'fd00:4242:7777:101:2::1/128' is not an address of this node alone"},
      {"isRr", "7", "isRr: 7 is not true or false"},
  };
  for (const auto& [key, text, fault] : rows) {
    json::object answer = sparse();
    answer["node"].as_object()["loopbackIpv6"] = "fd00:4242:7777:101:2::1";
    json::object peer = good_peer(3);
    peer[json::string_view(key)] = json::parse(text);
    answer["ibgpPeers"] = json::array{good_peer(1), peer};
    EXPECT_EQ(fault_of(read_bird_config(answer)), std::string("bird config: ibgpPeers[1].") + fault);
  }
}

TEST(BirdConfig, NamesEveryFaultAtOnce) {
  EXPECT_EQ(fault_of(read_bird_config(json::parse(R"({"policy":{"dn42As":"x","asPathMaxLen":-1},"ibgpPeers":[5]})"))),
            "bird config: policy.dn42As: 'x' is not a number from 1 to 4294967295; policy.asPathMaxLen: -1 is not a "
            "number from 0 to 255; node.id: expected a number from 1 to 999; ibgpPeers[0]: 5 is not an object; "
            "ibgpPeers[0].nodeId: expected a number from 1 to 999");
  EXPECT_EQ(fault_of(read_bird_config(json::parse(R"({"node":{"id":2},"policy":{"dn42As":1}})"))),
            "bird config: ibgpPeers: expected a list");
  for (const char* text : {"null", "[]", "5", "\"x\""}) EXPECT_FALSE(read_bird_config(json::parse(text))) << text;
}

const std::vector<std::string> kWords = {"node",
                                         "policy",
                                         "ibgpPeers",
                                         "id",
                                         "dn42As",
                                         "dn42Ipv4Prefix",
                                         "rpkiServers",
                                         "name",
                                         "host",
                                         "port",
                                         "latency",
                                         "bandwidth",
                                         "crypto",
                                         "region",
                                         "communities",
                                         "regionCode",
                                         "largeCommunities",
                                         "origin",
                                         "tier0",
                                         "blocklist",
                                         "asns",
                                         "prefixes",
                                         "nodeId",
                                         "loopbackIpv4",
                                         "isRr",
                                         "a",
                                         "7",
                                         "172.20.0.0/14",
                                         "fd00::/8",
                                         "LC_ORIGIN_AS",
                                         "continentLc",
                                         "subregion",
                                         "1G",
                                         "172.22.188.1"};

RC_GTEST_PROP(BirdConfig, SurvivesAnyJson, ()) { static_cast<void>(read_bird_config(any_json(kWords, 4))); }

RC_GTEST_PROP(BirdConfig, AcceptsOnlyWhatIsSound, ()) {
  json::object answer = sparse();
  json::object& policy = answer["policy"].as_object();
  policy["blocklist"] = {{"asns", json::array{3, 1, 3}}, {"prefixes", json::array{"172.20.0.0/24"}}};
  const auto key = *rc::gen::element<std::string>("communities", "blocklist", "rpkiServers", "dn42Ipv4Prefix");
  policy[key] = any_json(kWords, 3);
  json::array peers;
  for (int i = *rc::gen::inRange(0, 3); i > 0; --i) peers.push_back(good_peer(*rc::gen::inRange(1, 9)));
  answer["ibgpPeers"] = std::move(peers);
  const auto read = read_bird_config(answer);
  if (!read) {
    RC_ASSERT(read.error().code == Errc::invalid);
    return;
  }
  const auto is_unsorted = [](const auto& a, const auto& b) { return !(a < b); };
  RC_ASSERT(std::ranges::adjacent_find(read->policy.blocked_asns, is_unsorted) == read->policy.blocked_asns.end());
  RC_ASSERT(std::ranges::adjacent_find(read->policy.blocked_prefixes, is_unsorted) ==
            read->policy.blocked_prefixes.end());
  RC_ASSERT(std::ranges::adjacent_find(read->ibgp_peers, is_unsorted, &MeshMember::node_id) == read->ibgp_peers.end());
  RC_ASSERT(std::ranges::adjacent_find(read->policy.rpki_servers, is_unsorted, &RpkiServer::name) ==
            read->policy.rpki_servers.end());
}

}  // namespace
}  // namespace moenet::model
