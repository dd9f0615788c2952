// RoutingPolicy: what the control plane decides of BIRD on this node (wire contract A10, GET /agent/{r}/bird-config):
// the network, its limits, communities and validators, this node's place, and its iBGP peers. Where it says nothing
// the defaults of DN42 hold (DN42 wiki, 2026-08). bird/policy turns it into configuration text.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

#include "base/ip.h"
#include "base/result.h"
#include "model/mesh.h"
#include "model/session.h"

namespace moenet::model {

struct Community {  // RFC 1997
  std::uint16_t asn = 0;
  std::uint16_t value = 0;

  friend auto operator<=>(const Community&, const Community&) = default;
};

struct LargeCommunity {  // RFC 8092
  std::uint32_t asn = 0;
  std::uint32_t kind = 0;
  std::uint32_t value = 0;

  friend auto operator<=>(const LargeCommunity&, const LargeCommunity&) = default;
};

// Keys are the control plane's words ("tier0", "1g_plus", "as_e"): [a-z0-9_]{1,32}.
using CommunityNames = std::map<std::string, Community>;
using LargeCommunityNames = std::map<std::string, LargeCommunity>;

struct RpkiServer {
  std::string name;  // [A-Za-z0-9_]{1,32}: part of a BIRD protocol's name
  HostPort remote;   // RTR (RFC 8210); DN42's custom is port 8082

  friend bool operator==(const RpkiServer&, const RpkiServer&) = default;
};

// A validator as people name it: dashes, dots and blanks in its name become `_`; `host` is a host name or an address,
// with or without brackets, and has no port of its own. Faults: "name" or "host".
std::expected<RpkiServer, Fault> make_rpki_server(std::string_view name, std::string_view host, std::uint16_t port);

// What a blocklist may name: an AS number, and a network without host bits that is not everything (of which BIRD would
// refuse the first, and the second would block all).
std::optional<Asn> blocked_asn_in(const boost::json::value& item);
std::optional<IpPrefix> blocked_network_in(const boost::json::value& item);
std::optional<IpPrefix> network_in(std::string_view text);

struct RoutingPolicy {
  Asn asn = 0;
  std::vector<IpPrefix> own_prefixes;      // announced by this network and refused from others; sorted
  std::vector<RpkiServer> rpki_servers;    // sorted by name, which is unique
  std::uint32_t ebgp_import_limit = 9000;  // prefixes per family and session (DN42 custom)
  std::uint32_t ebgp_export_limit = 9000;
  std::uint32_t ibgp_import_limit = 20'000;
  std::uint32_t ibgp_export_limit = 30'000;
  std::uint32_t as_path_max_len = 8;   // chosen: DN42 is six to seven networks across
  CommunityNames latency;              // "tier0" (best) … "tier8"
  CommunityNames bandwidth;            // "100k_plus" … "10g_plus"
  CommunityNames crypto;               // "none", "unsafe", "encrypted", "latency" (with forward secrecy), "psk", "pq"
  CommunityNames loss;                 // of packets: "none", "upto_1", "upto_5" (percent), "more"
  CommunityNames topology;             // "tunnel"
  CommunityNames region;               // "eu", "as_e", …
  LargeCommunityNames origin;          // of continents: "as", "na", "eu", "oc", "af"
  LargeCommunityNames subregion;       // "as_e", …
  LargeCommunityNames link_bandwidth;  // "10g" … "10m"; informational, within this network
  std::vector<Asn> blocked_asns;       // ours (B): routes with one of them in the path are refused; sorted
  std::vector<IpPrefix> blocked_prefixes;  // ours (B): these and what is within; sorted

  friend bool operator==(const RoutingPolicy&, const RoutingPolicy&) = default;
};

// This node as its policy sees it.
struct PolicyNode {
  NodeId id = 0;
  std::string name;
  bool is_rr = false;
  std::uint32_t bandwidth_mbit = 0;  // 0: not said
  int region_code = 0;
  std::optional<IpAddress> loopback_ipv4;
  std::optional<IpAddress> loopback_ipv6;
  std::string continent;            // a key of RoutingPolicy::origin, or empty
  std::string subregion;            // a key of RoutingPolicy::subregion, or empty
  std::string region_community;     // a key of RoutingPolicy::region, or empty
  std::string bandwidth_community;  // a key of RoutingPolicy::bandwidth, or empty

  friend bool operator==(const PolicyNode&, const PolicyNode&) = default;
};

struct BirdPolicy {
  PolicyNode node;
  RoutingPolicy policy;
  std::vector<MeshMember> ibgp_peers;  // sorted by node id, unique

  friend bool operator==(const BirdPolicy&, const BirdPolicy&) = default;
};

// The DN42 communities and this network's large communities, with which read_bird_config fills what it is not told.
RoutingPolicy default_policy(Asn asn);

// Reads the envelope's `data`. `configHash` is not read: it cannot be trusted. A policy is taken whole or not at all.
// A table of communities that is told is merged with the defaults by key, less defaults whose value it gives another
// name. A constant of the node that is absent or names no community is derived from its region code and bandwidth.
// Errors: invalid, which names every fault with its path.
Result<BirdPolicy> read_bird_config(const boost::json::value& data);

}  // namespace moenet::model
