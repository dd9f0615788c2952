// The answer of GET /agent/{r}/bird-config, read. Its tables of communities are community_tables.cpp.
#include <algorithm>
#include <charconv>
#include <utility>

#include <boost/json/value.hpp>

#include "model/community_tables.h"
#include "model/json_reader.h"
#include "model/mesh_member.h"
#include "model/region.h"
#include "model/routing_policy.h"
#include "model/text.h"

namespace moenet::model {

namespace json = boost::json;

namespace {

constexpr std::int64_t kAsnMax = 4294967295;  // RFC 6793; 0 is reserved (RFC 7607)
constexpr std::size_t kNameBytesMax = 255;    // chosen: a name is one line
constexpr std::size_t kWordBytesMax = 64;     // of a constant, a bandwidth, a prefix
constexpr std::size_t kHostBytesMax = 253;    // RFC 1035
constexpr std::int64_t kPathMax = 255;        // chosen: no path in use is near it
constexpr std::size_t kServersMax = 16;       // chosen: three are in use
constexpr std::uint16_t kRtrPort = 8082;      // DN42's custom; RFC 8210 has 323, which needs privileges
constexpr std::size_t kBlockedMax = 10'000;   // chosen: a list that people keep is far shorter

std::string item_path(std::string_view list, std::size_t index) {
  return std::string(list) + "[" + std::to_string(index) + "]";
}

// The list under `key`; null when it is absent, too long or none, which are faults but for the first.
const json::array* read_list(const JsonReader& reader, std::string_view key, std::size_t max_items) {
  const json::value* value = reader.find(key);
  if (value == nullptr) return nullptr;
  const json::array* list = value->if_array();
  if (list != nullptr && list->size() <= max_items) return list;
  reader.note(key, "a list of at most " + std::to_string(max_items));
  return nullptr;
}

// Mbit/s of "100M", "2.5G"; 0 when it says nothing that we read.
std::uint32_t mbit_in(std::string_view text) {
  constexpr double kMbitMax = 10'000'000;  // chosen: ten Tbit/s
  text = trimmed(text);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{}) return 0;
  const std::string unit = lower_case({end, text.data() + text.size()});
  if (unit != "g" && unit != "m") return 0;
  const double mbit = unit == "g" ? number * 1000 : number;
  return mbit >= 1 && mbit <= kMbitMax ? static_cast<std::uint32_t>(mbit) : 0;
}

// The key in `names` that a constant such as "LC_REGION_AS_E" stands for; else `derived` where that is one; else none.
std::string read_constant(const JsonReader& node, std::string_view key, std::string_view prefix, const auto& names,
                          std::string_view derived) {
  const std::string constant = node.text(key, kWordBytesMax).value_or("");
  std::string_view word = trimmed(constant);
  if (word.starts_with(prefix)) word.remove_prefix(prefix.size());
  std::string name = lower_case(word);
  if (!name.empty() && !is_community_name(name)) node.note(key, "the name of a community");
  if (names.contains(name)) return name;
  return names.contains(std::string(derived)) ? std::string(derived) : std::string();
}

std::string_view bandwidth_name(std::uint32_t mbit) {
  if (mbit >= 10'000) return "10g_plus";
  if (mbit >= 1'000) return "1g_plus";
  if (mbit >= 100) return "100m_plus";
  if (mbit >= 10) return "10m_plus";
  return mbit >= 1 ? "1m_plus" : "";
}

PolicyNode read_node(const JsonReader& reader, const RoutingPolicy& policy) {
  PolicyNode node;
  node.id = read_node_id(reader, "id");
  node.name = reader.free_text("name", kNameBytesMax);
  const bool is_rr_type = lower_case(trimmed(reader.free_text("type", kWordBytesMax))) == "rr";
  node.is_rr = reader.boolean("isRr").value_or(is_rr_type);
  node.bandwidth_mbit = mbit_in(reader.free_text("bandwidth", kWordBytesMax));
  node.region_code = read_region_code(reader);
  node.loopback_ipv4 = read_loopback(reader, "loopbackIpv4", IpFamily::v4);
  node.loopback_ipv6 = read_loopback(reader, "loopbackIpv6", IpFamily::v6);
  const Region* found = find_region(node.region_code);
  const Region region = found == nullptr ? Region{} : *found;
  node.continent = read_constant(reader, "continentLc", "LC_ORIGIN_", policy.origin, region.continent);
  node.subregion = read_constant(reader, "subregionLc", "LC_REGION_", policy.subregion, region.subregion);
  node.region_community = read_constant(reader, "regionCommunity", "DN42_REGION_", policy.region, region.community);
  node.bandwidth_community =
      read_constant(reader, "bandwidthCommunity", "DN42_BW_", policy.bandwidth, bandwidth_name(node.bandwidth_mbit));
  return node;
}

void read_own_prefix(const JsonReader& reader, std::string_view key, IpFamily family, std::vector<IpPrefix>& own) {
  const std::string text = reader.text(key, kWordBytesMax).value_or("");
  if (trimmed(text).empty()) return;
  const std::optional<IpPrefix> prefix = network_in(text);
  if (prefix && prefix->address.family() == family) {
    own.push_back(*prefix);
  } else {
    reader.note(key, family == IpFamily::v4 ? "an IPv4 network" : "an IPv6 network");
  }
}

// 0 means the default: as a limit it would block every route.
void read_limit(const JsonReader& reader, std::string_view key, std::int64_t high, std::uint32_t& limit) {
  const std::optional<std::int64_t> number = reader.integer(key, 0, high);
  if (number && *number != 0) limit = static_cast<std::uint32_t>(*number);
}

void read_servers(const JsonReader& reader, std::vector<JsonFault>& faults, std::vector<RpkiServer>& servers) {
  const json::array* list = read_list(reader, "rpkiServers", kServersMax);
  if (list == nullptr) return;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const JsonReader row((*list)[i], faults, item_path(reader.path_of("rpkiServers"), i));
    const auto port = static_cast<std::uint16_t>(row.integer("port", 1, UINT16_MAX).value_or(kRtrPort));
    const std::string name = row.text("name", kWordBytesMax).value_or("");
    auto server = make_rpki_server(name, row.text("host", kHostBytesMax).value_or(""), port);
    if (!server) {
      row.note(server.error().field, server.error().reason);
      continue;
    }
    const auto is_same = [&](const RpkiServer& other) { return other.name == server->name; };
    if (std::any_of(servers.begin(), servers.end(), is_same)) row.note("name", "the name of one server alone");
    servers.push_back(std::move(*server));
  }
  std::sort(servers.begin(), servers.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
}

// The items of a list by `read`, which gives nothing for what is none; one fault tells of all that are wrong.
template <class T>
std::vector<T> read_blocked(const JsonReader& reader, std::string_view key, const char* expected, auto read) {
  std::vector<T> result;
  const json::array* list = read_list(reader, key, kBlockedMax);
  if (list == nullptr) return result;
  bool all_read = true;
  for (const json::value& item : *list) {
    const std::optional<T> value = read(item);
    if (value) result.push_back(*value);
    all_read = all_read && value;
  }
  if (!all_read) reader.note(key, expected);
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

void read_blocklist(const JsonReader& reader, RoutingPolicy& policy) {
  policy.blocked_asns = read_blocked<Asn>(reader, "asns", "AS numbers only", blocked_asn_in);
  policy.blocked_prefixes = read_blocked<IpPrefix>(reader, "prefixes", "networks only", blocked_network_in);
}

RoutingPolicy read_policy(const JsonReader& reader, std::vector<JsonFault>& faults) {
  const auto asn = static_cast<Asn>(reader.required_integer("dn42As", 1, kAsnMax).value_or(0));
  RoutingPolicy policy = default_policy(asn);
  read_own_prefix(reader, "dn42Ipv4Prefix", IpFamily::v4, policy.own_prefixes);
  read_own_prefix(reader, "dn42Ipv6Prefix", IpFamily::v6, policy.own_prefixes);
  read_servers(reader, faults, policy.rpki_servers);
  read_limit(reader, "ebgpImportLimit", UINT32_MAX, policy.ebgp_import_limit);
  read_limit(reader, "ebgpExportLimit", UINT32_MAX, policy.ebgp_export_limit);
  read_limit(reader, "ibgpImportLimit", UINT32_MAX, policy.ibgp_import_limit);
  read_limit(reader, "ibgpExportLimit", UINT32_MAX, policy.ibgp_export_limit);
  read_limit(reader, "asPathMaxLen", kPathMax, policy.as_path_max_len);
  const JsonReader communities = reader.object("communities");
  read_communities(communities, "latency", policy.latency);
  read_communities(communities, "bandwidth", policy.bandwidth);
  read_communities(communities, "crypto", policy.crypto);
  read_communities(communities, "loss", policy.loss);
  read_communities(communities, "topology", policy.topology);
  read_communities(communities, "region", policy.region);
  const JsonReader large = reader.object("largeCommunities");
  read_communities(large, "origin", policy.origin);
  read_communities(large, "subregion", policy.subregion);
  read_communities(large, "bandwidth", policy.link_bandwidth);
  read_blocklist(reader.object("blocklist"), policy);
  return policy;
}

// One neighbor's address must be one node's: BIRD would let both protocols fight for the session.
void check_peer(const JsonReader& row, const MeshMember& peer, const PolicyNode& node,
                const std::vector<MeshMember>& earlier) {
  const auto is_shared = [&](auto address) {
    const auto same = [&](const auto& other) { return peer.*address && other.*address == peer.*address; };
    return std::any_of(earlier.begin(), earlier.end(), same);
  };
  const auto is_listed = [&](const MeshMember& other) { return other.node_id == peer.node_id; };
  const bool is_own_ipv4 = peer.loopback_ipv4 && peer.loopback_ipv4 == node.loopback_ipv4;
  const bool is_own_ipv6 = peer.loopback_ipv6 && peer.loopback_ipv6 == node.loopback_ipv6;
  if (peer.node_id != 0 && peer.node_id == node.id) row.note("nodeId", "another node than this one");
  if (peer.node_id != 0 && std::any_of(earlier.begin(), earlier.end(), is_listed))
    row.note("nodeId", "a node that is listed once");
  if (is_own_ipv4 || is_shared(&MeshMember::loopback_ipv4)) row.note("loopbackIpv4", "an address of this node alone");
  if (is_own_ipv6 || is_shared(&MeshMember::loopback_ipv6)) row.note("loopbackIpv6", "an address of this node alone");
}

std::vector<MeshMember> read_peers(const JsonReader& answer, std::vector<JsonFault>& faults, const PolicyNode& node) {
  std::vector<MeshMember> peers;
  const json::array* list = read_list(answer, "ibgpPeers", kLastNodeId);
  if (list == nullptr && answer.find("ibgpPeers") == nullptr) answer.note("ibgpPeers", "a list");
  if (list == nullptr) return peers;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const JsonReader row((*list)[i], faults, item_path("ibgpPeers", i));
    MeshMember peer = read_member(row);
    check_peer(row, peer, node, peers);
    peers.push_back(std::move(peer));
  }
  std::sort(peers.begin(), peers.end(), [](const auto& a, const auto& b) { return a.node_id < b.node_id; });
  return peers;
}

}  // namespace

Result<BirdPolicy> read_bird_config(const json::value& data) {
  if (!data.is_object()) return fail(Errc::invalid, "bird config: expected an object, got " + describe_json(data));
  std::vector<JsonFault> faults;
  const JsonReader answer(data, faults);
  BirdPolicy result;
  result.policy = read_policy(answer.object("policy"), faults);
  result.node = read_node(answer.object("node"), result.policy);
  result.ibgp_peers = read_peers(answer, faults, result.node);
  if (faults.empty()) return result;
  return fail(Errc::invalid, "bird config: " + texts_of(faults));
}

}  // namespace moenet::model
