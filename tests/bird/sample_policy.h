// Nodes of a network whose policy the tests render: built by hand, as control planes say it, odd numbers and all.
#pragma once

#include <string>
#include <vector>

#include "base/ip.h"
#include "bird/policy.h"

namespace moenet::bird {

struct PolicySample {
  std::string name;  // of its golden file
  PolicyInput input;
};

inline IpPrefix prefix(const char* text) { return IpPrefix::parse(text).value(); }
inline IpAddress address(const char* text) { return IpAddress::parse(text).value(); }

constexpr model::Asn kSampleAsn = 4242420998;

// Deployed control planes number the bandwidths out of order.
inline model::RoutingPolicy sample_tables() {
  model::RoutingPolicy policy;
  policy.asn = kSampleAsn;
  policy.own_prefixes = {prefix("172.22.188.0/26"), prefix("fd00:4242:7777::/48")};
  policy.rpki_servers = {{"launchpadx", {"rpki.dn42.launchpadx.top", 8082}}, {"check", {"fd42:d42:d42::1", 8083}}};
  policy.ebgp_import_limit = 10'000;
  policy.ebgp_export_limit = 5000;
  policy.as_path_max_len = 5;
  for (std::uint16_t tier = 0; tier < 9; ++tier) {
    policy.latency["tier" + std::to_string(tier)] = {64511, static_cast<std::uint16_t>(tier + 1)};
  }
  policy.bandwidth = {{"100m_plus", {64511, 21}},
                      {"10g_plus", {64511, 22}},
                      {"1g_plus", {64511, 23}},
                      {"100k_plus", {64511, 24}},
                      {"10m_plus", {64511, 25}}};
  policy.crypto = {
      {"none", {64511, 31}}, {"unsafe", {64511, 32}}, {"encrypted", {64511, 33}}, {"latency", {64511, 34}}};
  policy.loss = {{"none", {64511, 91}}, {"upto_1", {64511, 92}}, {"upto_5", {64511, 93}}, {"more", {64511, 94}}};
  policy.topology = {{"tunnel", {64511, 83}}};
  policy.region = {{"eu", {64511, 41}}, {"as_e", {64511, 50}}};
  policy.origin = {{"as", {kSampleAsn, 1, 100}},
                   {"na", {kSampleAsn, 1, 200}},
                   {"eu", {kSampleAsn, 1, 300}},
                   {"oc", {kSampleAsn, 1, 400}}};
  policy.subregion = {{"as_e", {kSampleAsn, 2, 101}}, {"as_se", {kSampleAsn, 2, 102}}, {"eu_w", {kSampleAsn, 2, 301}}};
  policy.link_bandwidth = {
      {"10g", {kSampleAsn, 5, 10000}}, {"1g", {kSampleAsn, 5, 1000}}, {"100m", {kSampleAsn, 5, 100}}};
  policy.blocked_asns = {4242420666, 4242420667};
  policy.blocked_prefixes = {prefix("172.20.66.0/24"), prefix("fd42:66::/32")};
  return policy;
}

// The wiki's, and nothing said of regions.
inline model::RoutingPolicy wiki_tables() {
  model::RoutingPolicy policy = sample_tables();
  policy.bandwidth = {{"100k_plus", {64511, 21}},
                      {"1m_plus", {64511, 22}},
                      {"10m_plus", {64511, 23}},
                      {"100m_plus", {64511, 24}},
                      {"1g_plus", {64511, 25}}};
  policy.crypto["psk"] = {64511, 35};
  policy.crypto["pq"] = {64511, 36};
  policy.rpki_servers.clear();
  policy.blocked_asns.clear();
  policy.blocked_prefixes.clear();
  policy.as_path_max_len = 8;
  return policy;
}

inline PolicyInput reflector() {
  PolicyInput input;
  input.loopback_link = "dn42-lo";
  input.country = 344;
  input.tells_topology = true;
  input.policy.policy = sample_tables();
  model::PolicyNode& node = input.policy.node;
  node = {1,    "hk-rr", true,   10'000,    101, address("172.22.188.1"), address("fd00:4242:7777:101:1::1"),
          "as", "as_e",  "as_e", "10g_plus"};
  input.policy.ibgp_peers = {{2, "jp1", 101, address("172.22.188.2"), address("fd00:4242:7777:101:2::1"), false},
                             {3, "de-rr\"; }\n protocol static evil { ", 301, address("172.22.188.3"),
                              address("fd00:4242:7777:301:3::1"), true},
                             {4, "", 101, address("172.22.188.4"), std::nullopt, false},
                             {5, "no loopback", 101, std::nullopt, std::nullopt, false}};
  return input;
}

inline PolicyInput client() {
  PolicyInput input = reflector();
  input.policy.node = {2,    "jp1",  false,  1000,     101, address("172.22.188.2"), address("fd00:4242:7777:101:2::1"),
                       "as", "as_e", "as_e", "1g_plus"};
  input.policy.ibgp_peers = {{1, "hk-rr", 101, address("172.22.188.1"), address("fd00:4242:7777:101:1::1"), true}};
  return input;
}

// A control plane that names the network and its prefixes and nothing else.
inline PolicyInput no_words() {
  PolicyInput input;
  input.loopback_link = "dn42-lo";
  input.policy.policy = wiki_tables();
  input.policy.node.id = 7;
  input.policy.node.name = "quiet";
  input.policy.node.loopback_ipv4 = address("172.22.188.7");
  input.policy.node.loopback_ipv6 = address("fd00:4242:7777:1:7::1");
  return input;
}

inline PolicyInput ipv6_only() {
  PolicyInput input = no_words();
  input.policy.policy.own_prefixes = {prefix("fd00:4242:7777::1/48")};  // with host bits, which BIRD would refuse
  input.policy.node.loopback_ipv4.reset();
  input.policy.ibgp_peers = {{8, "v6 too", 0, std::nullopt, address("fd00:4242:7777:1:8::1"), false},
                             {9, "v4 only", 0, address("172.22.188.9"), std::nullopt, false}};
  return input;
}

// Tables and prefixes empty: nothing that BIRD would need a member for.
inline PolicyInput bare() {
  PolicyInput input;
  input.loopback_link = "lo";
  input.policy.policy.asn = kSampleAsn;
  input.policy.node.name = "bare";
  input.policy.node.id = 62;
  input.policy.ibgp_peers = {{1, "other", 0, std::nullopt, address("fd00::1"), false}};
  return input;
}

inline PolicyInput maintained() {
  PolicyInput input = client();
  input.drain = Drain::leaves;
  input.has_ibgp_bfd = true;
  input.tells_topology = false;
  input.policy.node.bandwidth_community = "";  // then by its bandwidth
  return input;
}

inline PolicyInput static_roas() {
  PolicyInput input = no_words();
  input.has_mesh = false;
  input.names = {"operators_template", "in_all", "out_all", "in_theirs", "out_own"};
  input.roas = {{prefix("fd00:4242:7777::/48"), 64, kSampleAsn},
                {prefix("172.22.188.0/26"), 29, kSampleAsn},
                {prefix("172.20.0.0/24"), 16, 4242420001},   // malformed: left out
                {prefix("172.20.0.0/24"), 33, 4242420001},   // malformed: left out
                {prefix("172.20.0.1/24"), 28, 4294967295}};  // host bits: cut off
  return input;
}

inline std::vector<PolicySample> policy_samples() {
  return {{"reflector", reflector()},    {"client", client()}, {"no_words", no_words()},
          {"ipv6_only", ipv6_only()},    {"bare", bare()},     {"maintained", maintained()},
          {"static_roas", static_roas()}};
}

// Sessions with all four policies, one of which says nothing of its link.
inline std::vector<model::BirdFile> sample_sessions(const PolicyNames& names) {
  std::vector<model::BirdFile> files;
  const LinkTags links[] = {{4, 24, 34, 93}, {1, 1000, 35}, {}, {9, 10'000, 34, 91}};
  for (std::uint32_t i = 0; i < 4; ++i) {
    model::Session session;
    session.asn = 4242420101 + i;
    session.uuid = "0b9f1f2e-0000-4000-8000-00000000000" + std::to_string(i);
    session.policy = static_cast<model::SessionPolicy>(i);
    session.name = SharedText(name_of(session.policy));
    session.interface_name = protocol_name(session.asn);
    const IpAddress neighbor = address(("fe80::" + std::to_string(101 + i)).c_str());
    const model::Peering peering{neighbor, address("fe80::998:101:1:1"), true, true, true, {}};
    files.push_back(render_peer(session, peering, names, &links[i]).value());
  }
  return files;
}

}  // namespace moenet::bird
