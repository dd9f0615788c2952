#include "controlplane/settings.h"

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <set>
#include <string_view>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/ip.h"
#include "controlplane/webhook_settings.h"
#include "model/json_reader.h"
#include "model/routing_policy.h"

namespace moenet::controlplane {

namespace {

namespace json = boost::json;
using model::JsonFault;
using model::JsonReader;

constexpr std::size_t kMostText = 200;  // bytes; chosen: paths and host names are shorter
constexpr std::size_t kMostServers = 16;
constexpr std::size_t kMostBlocked = 1'000;  // of each kind; chosen: a list that people keep is shorter

void read_number(const JsonReader& object, std::string_view key, std::uint32_t& value, std::int64_t low,
                 std::int64_t high = std::numeric_limits<std::uint32_t>::max()) {
  if (const auto number = object.integer(key, low, high)) value = static_cast<std::uint32_t>(*number);
}

void read_text(const JsonReader& object, std::string_view key, std::string& value) {
  if (auto text = object.text(key, kMostText)) value = std::move(*text);
}

// Kept as text, because it is sent as text; it must be a prefix of the family, with no bits set behind its length.
void read_prefix(const JsonReader& object, std::string_view key, std::string& value, bool v6, unsigned shortest,
                 unsigned longest) {
  const auto text = object.text(key, kMostText);
  if (!text) return;
  const auto prefix = IpPrefix::parse(*text);
  if (!prefix || prefix->address.is_v6() != v6 || prefix->length < shortest || prefix->length > longest ||
      prefix->has_host_bits()) {
    object.note(key, fmt::format("an {} prefix of length {} to {} with no bits set behind it", v6 ? "IPv6" : "IPv4",
                                 shortest, longest));
    return;
  }
  value = prefix->text();
}

void read_servers(const JsonReader& policy, std::vector<RpkiServer>& servers, std::vector<JsonFault>& faults) {
  const json::value* list = policy.find("rpkiServers");
  if (list == nullptr) return;
  if (!list->is_array() || list->get_array().size() > kMostServers) {
    policy.note("rpkiServers", fmt::format("a list of at most {} servers", kMostServers));
    return;
  }
  const std::size_t faults_before = faults.size();
  std::vector<RpkiServer> read;
  std::set<std::string> names;
  for (const json::value& item : list->get_array()) {
    const JsonReader server(item, faults, fmt::format("{}[{}]", policy.path_of("rpkiServers"), read.size()));
    RpkiServer& entry = read.emplace_back();
    read_text(server, "name", entry.name);
    read_text(server, "host", entry.host);
    if (const auto port = server.integer("port", 1, 65'535)) entry.port = static_cast<std::uint16_t>(*port);
    // As the agent will read it: it takes a policy whole or not at all.
    const auto sound = model::make_rpki_server(entry.name, entry.host, entry.port);
    if (!sound) server.note(sound.error().field, sound.error().reason);
    if (sound && !names.insert(sound->name).second) server.note("name", "the name of one server alone");
  }
  if (faults.size() == faults_before) servers = std::move(read);
}

// The list under `key` put in the place of `items`, sorted; null empties it. `read` gives nothing for what is none.
template <class T>
void read_blocked(const JsonReader& blocklist, std::string_view key, const char* expected, std::vector<T>& items,
                  auto read) {
  if (!blocklist.has(key)) return;
  std::vector<T> read_items;
  if (const json::value* value = blocklist.find(key)) {
    const json::array* list = value->if_array();
    bool is_sound = list != nullptr && list->size() <= kMostBlocked;
    for (std::size_t i = 0; is_sound && i < list->size(); ++i) {
      const std::optional<T> item = read((*list)[i]);
      is_sound = item.has_value();
      if (item) read_items.push_back(*item);
    }
    if (!is_sound) return blocklist.note(key, fmt::format("a list of at most {} {}", kMostBlocked, expected));
  }
  std::ranges::sort(read_items);
  const auto repeated = std::ranges::unique(read_items);
  read_items.erase(repeated.begin(), repeated.end());
  items = std::move(read_items);
}

void read_blocklist(const JsonReader& policy, PolicySettings& value) {
  if (policy.has("blocklist") && policy.find("blocklist") == nullptr) {
    value.blocked_asns.clear();
    value.blocked_prefixes.clear();
  }
  const JsonReader blocklist = policy.object("blocklist");
  read_blocked(blocklist, "asns", "AS numbers", value.blocked_asns, model::blocked_asn_in);
  read_blocked(blocklist, "prefixes", "networks", value.blocked_prefixes, model::blocked_network_in);
}

void read_policy(const JsonReader& policy, PolicySettings& value, std::vector<JsonFault>& faults) {
  read_number(policy, "ebgpImportLimit", value.ebgp_import_limit, 1);
  read_number(policy, "ebgpExportLimit", value.ebgp_export_limit, 1);
  read_number(policy, "ibgpImportLimit", value.ibgp_import_limit, 1);
  read_number(policy, "ibgpExportLimit", value.ibgp_export_limit, 1);
  read_number(policy, "asPathMaxLen", value.as_path_max_len, 1, 255);
  read_servers(policy, value.rpki_servers, faults);
  read_blocklist(policy, value);
}

void read_agent(const JsonReader& agent, AgentSettings& value) {
  const JsonReader bird = agent.object("bird");
  read_text(bird, "controlSocket", value.bird_control_socket);
  read_number(bird, "poolSize", value.bird_pool_size, 1, 1024);
  read_number(bird, "poolSizeMax", value.bird_pool_size_max, 1, 1024);
  if (value.bird_pool_size > value.bird_pool_size_max) {
    bird.note("poolSize", "a number up to poolSizeMax");
    value.bird_pool_size = value.bird_pool_size_max;
  }
  read_text(bird, "peerConfDir", value.peer_conf_dir);
  read_text(bird, "ebgpConfTemplateFile", value.ebgp_conf_template_file);
  read_text(bird, "ibgpConfDir", value.ibgp_conf_dir);
  const JsonReader wireguard = agent.object("wireguard");
  read_text(wireguard, "privateKeyPath", value.private_key_path);
  read_text(wireguard, "publicKeyPath", value.public_key_path);
  read_text(wireguard, "configDir", value.wireguard_config_dir);
  read_number(wireguard, "persistentKeepaliveInterval", value.persistent_keepalive_s, 0, 65'535);
}

std::vector<std::string> unknown_members(const JsonReader& root) {
  const JsonReader policy = root.object("policy");
  const JsonReader agent = root.object("agent");
  std::vector<std::string> all;
  for (const auto& unknown :
       {root.unknown_keys({"asn", "ipv4Prefix", "ipv6Prefix", "policy", "mesh", "agent", "webhooks", "peering"}),
        root.object("peering").unknown_keys(
            {"approval", "asnRanges", "allowedAsns", "blockedAsns", "privateEndpoints", "policy"}),
        root.object("mesh").unknown_keys({"presharedKeys"}),
        policy.unknown_keys({"ebgpImportLimit", "ebgpExportLimit", "ibgpImportLimit", "ibgpExportLimit", "asPathMaxLen",
                             "rpkiServers", "blocklist"}),
        policy.object("blocklist").unknown_keys({"asns", "prefixes"}), agent.unknown_keys({"bird", "wireguard"}),
        agent.object("bird").unknown_keys(
            {"controlSocket", "poolSize", "poolSizeMax", "peerConfDir", "ebgpConfTemplateFile", "ibgpConfDir"}),
        agent.object("wireguard")
            .unknown_keys({"privateKeyPath", "publicKeyPath", "configDir", "persistentKeepaliveInterval"})}) {
    all.insert(all.end(), unknown.begin(), unknown.end());
  }
  return all;
}

void read_members(const JsonReader& root, Settings& settings, std::vector<JsonFault>& faults) {
  if (const auto asn = root.integer("asn", 1, std::numeric_limits<std::uint32_t>::max())) {
    settings.asn = static_cast<model::Asn>(*asn);
  }
  // A /26 is the least that the wire contract (A11) knows; a region and an id are one hextet each.
  read_prefix(root, "ipv4Prefix", settings.ipv4_prefix, false, 8, 26);
  read_prefix(root, "ipv6Prefix", settings.ipv6_prefix, true, 8, 48);
  if (root.has("policy") && root.find("policy") == nullptr) {
    settings.policy.reset();
  } else if (root.has("policy")) {
    if (!settings.policy) settings.policy.emplace();
    read_policy(root.object("policy"), *settings.policy, faults);
  }
  if (const auto keys = root.object("mesh").boolean("presharedKeys")) settings.mesh.preshared_keys = *keys;
  read_peering(root, settings.peering);
  read_agent(root.object("agent"), settings.agent);
  read_webhooks(root, settings.webhooks, faults);
}

json::value write_policy(const PolicySettings& policy) {
  json::array servers;
  for (const RpkiServer& server : policy.rpki_servers) {
    servers.push_back(json::object{{"name", server.name}, {"host", server.host}, {"port", server.port}});
  }
  return json::object{{"ebgpImportLimit", policy.ebgp_import_limit}, {"ebgpExportLimit", policy.ebgp_export_limit},
                      {"ibgpImportLimit", policy.ibgp_import_limit}, {"ibgpExportLimit", policy.ibgp_export_limit},
                      {"asPathMaxLen", policy.as_path_max_len},      {"rpkiServers", std::move(servers)},
                      {"blocklist", write_blocklist(policy)}};
}

}  // namespace

json::value write_blocklist(const PolicySettings& policy) {
  json::array prefixes;
  for (const IpPrefix& prefix : policy.blocked_prefixes) prefixes.emplace_back(prefix.text());
  return json::object{{"asns", json::array(policy.blocked_asns.begin(), policy.blocked_asns.end())},
                      {"prefixes", std::move(prefixes)}};
}

json::object write_agent(const AgentSettings& agent) {
  return {{"bird",
           {{"controlSocket", agent.bird_control_socket},
            {"poolSize", agent.bird_pool_size},
            {"poolSizeMax", agent.bird_pool_size_max},
            {"peerConfDir", agent.peer_conf_dir},
            {"ebgpConfTemplateFile", agent.ebgp_conf_template_file},
            {"ibgpConfDir", agent.ibgp_conf_dir}}},
          {"wireguard",
           {{"privateKeyPath", agent.private_key_path},
            {"publicKeyPath", agent.public_key_path},
            {"configDir", agent.wireguard_config_dir},
            {"persistentKeepaliveInterval", agent.persistent_keepalive_s}}}};
}

namespace {

json::value write_members(const Settings& settings, WebhookSecrets secrets) {
  return json::object{{"asn", settings.asn},
                      {"ipv4Prefix", settings.ipv4_prefix},
                      {"ipv6Prefix", settings.ipv6_prefix},
                      {"policy", settings.policy ? write_policy(*settings.policy) : json::value(nullptr)},
                      {"mesh", {{"presharedKeys", settings.mesh.preshared_keys}}},
                      {"peering", write_peering(settings.peering)},
                      {"agent", write_agent(settings.agent)},
                      {"webhooks", write_webhooks(settings.webhooks, secrets)}};
}

}  // namespace

json::value write_settings(const Settings& settings) { return write_members(settings, WebhookSecrets::hidden); }
json::value write_settings_with_secrets(const Settings& settings) {
  return write_members(settings, WebhookSecrets::written);
}

Settings read_settings(const json::value& stored, std::vector<std::string>& faults) {
  Settings settings;
  std::vector<JsonFault> noted;
  const JsonReader root(stored, noted);
  read_members(root, settings, noted);
  for (const JsonFault& fault : noted) faults.push_back(fault.text());
  for (const std::string& unknown : unknown_members(root)) faults.push_back(unknown + ": no such setting");
  return settings;
}

Checked<Settings> merge_settings(const Settings& settings, const json::value& changes) {
  if (!changes.is_object()) return refuse(Errc::invalid, "expected an object");
  Settings merged = settings;
  std::vector<JsonFault> faults;
  const JsonReader root(changes, faults);
  read_members(root, merged, faults);
  if (auto unknown = unknown_members(root); !unknown.empty()) {
    return refuse(Errc::invalid, "no such setting", std::move(unknown.front()));
  }
  if (!faults.empty()) return refuse(Errc::invalid, faults.front().reason(), faults.front().path);
  return merged;
}

}  // namespace moenet::controlplane
