#include "controlplane/node_views.h"

#include <chrono>
#include <string>
#include <string_view>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "controlplane/addressing.h"
#include "controlplane/community_names.h"
#include "controlplane/mesh_keys.h"
#include "controlplane/query_body.h"
#include "controlplane/token.h"

namespace moenet::controlplane {

namespace {

namespace json = boost::json;

constexpr std::chrono::minutes kMostSilence{2};  // chosen: four heartbeats of the agent
constexpr int kMeshMtu = 1420;                   // WireGuard over a 1500-byte path, as deployed nodes expect it

std::string text_of(const std::optional<IpAddress>& address) { return address ? address->text() : std::string(); }
std::string_view type_of(const Node& node) { return node.is_rr ? "rr" : "client"; }

// "LC_REGION_AS_E": the constant that a community's name stands for in the BIRD policy of deployed nodes.
std::string constant(std::string_view prefix, std::string_view name) {
  std::string result(prefix);
  for (const char c : name) result += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return result;
}

std::string continent_of(const Node& node) {
  const Region* region = find_region(node.region_code);
  return region != nullptr ? constant("", region->continent) : std::string();
}

bool is_mesh_peer(const Node& node, const Node& other) {
  if (node.id == other.id) return false;
  return node.region_code == other.region_code || (node.is_rr && other.is_rr);
}

// A reflector peers with all reflectors and every node of its region, a client with its region's reflectors.
bool is_ibgp_peer(const Node& node, const Node& other) {
  if (node.id == other.id) return false;
  if (node.is_rr && other.is_rr) return true;
  return node.region_code == other.region_code && (node.is_rr || other.is_rr);
}

// Where `node` dials `other`: at the port that `other` keeps for `node`. IPv4 first, as deployed control planes do.
std::string mesh_endpoint(const Node& node, const Node& other) {
  const int port = kMeshPortBase + node.id;
  const std::string& ipv4 = other.public_ipv4.empty() ? other.seen_ipv4 : other.public_ipv4;
  if (!ipv4.empty()) return fmt::format("{}:{}", ipv4, port);
  const std::string& ipv6 = other.public_ipv6.empty() ? other.seen_ipv6 : other.public_ipv6;
  if (!ipv6.empty()) return fmt::format("[{}]:{}", ipv6, port);
  return {};
}

json::object mesh_member(const Settings& settings, const Node& node) {
  return {{"nodeId", node.id},
          {"nodeName", node.name},
          {"nodeType", type_of(node)},
          {"regionCode", node.region_code},
          {"loopbackIpv4", text_of(loopback_ipv4(settings, node))},
          {"loopbackIpv6", text_of(loopback_ipv6(settings, node))}};
}

json::value policy_view(const Settings& settings, const PolicySettings& policy) {
  json::array servers;
  for (const RpkiServer& server : policy.rpki_servers) {
    servers.push_back(json::object{{"name", server.name}, {"host", server.host}, {"port", server.port}});
  }
  json::object view = {{"dn42As", settings.asn},
                       {"dn42Ipv4Prefix", settings.ipv4_prefix},
                       {"dn42Ipv6Prefix", settings.ipv6_prefix},
                       {"rpkiServers", std::move(servers)},
                       {"ebgpImportLimit", policy.ebgp_import_limit},
                       {"ebgpExportLimit", policy.ebgp_export_limit},
                       {"ibgpImportLimit", policy.ibgp_import_limit},
                       {"ibgpExportLimit", policy.ibgp_export_limit},
                       {"asPathMaxLen", policy.as_path_max_len},
                       {"communities", communities()},
                       {"largeCommunities", large_communities(settings.asn)}};
  if (!policy.blocked_asns.empty() || !policy.blocked_prefixes.empty()) view["blocklist"] = write_blocklist(policy);
  return view;
}

json::object policy_node(const Settings& settings, const Node& node) {
  const Region* region = find_region(node.region_code);
  return {{"id", node.id},
          {"name", node.name},
          {"type", type_of(node)},
          {"bandwidth", node.bandwidth},
          {"regionCode", node.region_code},
          {"loopbackIpv4", text_of(loopback_ipv4(settings, node))},
          {"loopbackIpv6", text_of(loopback_ipv6(settings, node))},
          {"continentLc", region != nullptr ? constant("LC_ORIGIN_", region->continent) : std::string()},
          {"subregionLc", region != nullptr ? constant("LC_REGION_", region->subregion) : std::string()},
          {"regionCommunity", region != nullptr ? constant("DN42_REGION_", region->community) : std::string()},
          {"bandwidthCommunity", bandwidth_community(node.bandwidth)}};
}

// `status.maintenance` of a heartbeat: true, or an object whose `state` is another than "off".
bool is_draining(const json::value& status) {
  const json::object* members = status.if_object();
  const json::value* maintenance = members == nullptr ? nullptr : members->if_contains("maintenance");
  if (maintenance == nullptr) return false;
  if (const bool* plain = maintenance->if_bool()) return *plain;
  const json::object* object = maintenance->if_object();
  const json::value* state = object == nullptr ? nullptr : object->if_contains("state");
  return state != nullptr && state->is_string() && state->get_string() != "off";
}

}  // namespace

json::value config_view(const Settings& settings, const Node& node) {
  json::object view = write_agent(settings.agent);
  view["node"] = {{"name", node.name},
                  {"id", node.id},
                  {"region", continent_of(node)},
                  {"location", node.location},
                  {"provider", node.provider}};
  json::object& wireguard = view["wireguard"].as_object();
  wireguard["dn42Ipv4"] = text_of(loopback_ipv4(settings, node));
  wireguard["dn42Ipv6"] = text_of(loopback_ipv6(settings, node));
  wireguard["dn42Ipv6LinkLocal"] = link_local(settings, node).text();
  view["metric"] = {{"pingTimeout", 5}, {"pingCount", 4}, {"pingWorkers", 32}};
  view["autoUpdate"] = {{"enabled", false}, {"checkInterval", 60}, {"channel", "stable"}, {"githubRepo", ""}};
  return view;
}

json::value mesh_view(const Settings& settings, const Node& node, std::span<const Node> nodes,
                      const Secret& network_secret) {
  json::object self = mesh_member(settings, node);
  self["isRr"] = node.is_rr;
  json::array peers;
  for (const Node& other : nodes) {
    if (!is_mesh_peer(node, other)) continue;
    json::object peer = mesh_member(settings, other);
    peer["publicKey"] = other.mesh_public_key;
    peer["endpoint"] = mesh_endpoint(node, other);
    peer["mtu"] = kMeshMtu;
    peer["isRr"] = other.is_rr;
    if (settings.mesh.preshared_keys && !network_secret.empty()) {
      peer["presharedKey"] = mesh_preshared_key(network_secret, node.uuid, other.uuid).base64();
    }
    peers.push_back(std::move(peer));
  }
  return json::object{{"self", std::move(self)}, {"peers", std::move(peers)}};
}

std::optional<json::value> bird_config_view(const Settings& settings, const Node& node, std::span<const Node> nodes) {
  if (!settings.policy) return std::nullopt;
  json::array peers;
  for (const Node& other : nodes) {
    if (!is_ibgp_peer(node, other)) continue;
    json::object peer = mesh_member(settings, other);
    peer["isRr"] = other.is_rr;
    peers.push_back(std::move(peer));
  }
  json::object body{{"node", policy_node(settings, node)},
                    {"policy", policy_view(settings, *settings.policy)},
                    {"ibgpPeers", std::move(peers)}};
  body["configHash"] = fingerprint(json::serialize(body)).substr(0, 16);
  return body;
}

json::value operator_view(const Settings& settings, const Node& node) {
  const Region* region = find_region(node.region_code);
  boost::system::error_code bad;
  json::value status = json::parse(node.status_json.empty() ? "null" : node.status_json, bad);
  const bool drains = is_draining(status);
  json::array tools;
  for (const std::string& tool : offered_tools(node)) tools.emplace_back(tool);
  const auto nullable = [](const std::string& text) { return text.empty() ? json::value(nullptr) : json::value(text); };
  return json::object{{"id", node.id},
                      {"uuid", node.uuid},
                      {"name", node.name},
                      {"region", region != nullptr ? region->name : std::string_view()},
                      {"regionCode", node.region_code},
                      {"location", node.location},
                      {"provider", node.provider},
                      {"isRr", node.is_rr},
                      {"bandwidth", node.bandwidth},
                      {"publicIpv4", nullable(node.public_ipv4.empty() ? node.seen_ipv4 : node.public_ipv4)},
                      {"publicIpv6", nullable(node.public_ipv6.empty() ? node.seen_ipv6 : node.public_ipv6)},
                      {"loopbackIpv4", nullable(text_of(loopback_ipv4(settings, node)))},
                      {"loopbackIpv6", nullable(text_of(loopback_ipv6(settings, node)))},
                      {"linkLocal", link_local(settings, node).text()},
                      {"maxSessions", node.max_sessions},
                      {"closed", node.is_closed},
                      {"minBandwidthMbit", node.min_bandwidth_mbit},
                      {"peeringNote", nullable(node.peering_note)},
                      {"state", node.is_leaving ? "leaving" : "active"},
                      {"publicKey", nullable(node.mesh_public_key)},
                      {"agentVersion", nullable(node.agent_version)},
                      {"lastSeen", node.last_seen == 0 ? json::value(nullptr) : json::value(node.last_seen)},
                      {"draining", drains},
                      {"lookingGlass", std::move(tools)},
                      {"status", std::move(status)},
                      {"createdAt", node.created_at},
                      {"version", node.version},
                      {"changes", node.changes}};
}

json::value public_view(const Settings& settings, const Node& node, WallTime now) {
  json::object all = operator_view(settings, node).as_object();
  json::object view;
  for (const char* member :
       {"id",        "uuid",        "name",       "region",       "regionCode",   "location",         "isRr",
        "bandwidth", "publicIpv4",  "publicIpv6", "loopbackIpv4", "loopbackIpv6", "linkLocal",        "publicKey",
        "draining",  "maxSessions", "closed",     "peeringNote",  "state",        "minBandwidthMbit", "lookingGlass"}) {
    view[member] = std::move(all.at(member));
  }
  const auto seen = WallTime(std::chrono::milliseconds(node.last_seen));
  view["up"] = node.last_seen != 0 && now - seen < kMostSilence;
  return view;
}

}  // namespace moenet::controlplane
