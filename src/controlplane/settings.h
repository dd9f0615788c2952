// Settings: what an operator decides for the whole network. The defaults are MoeNet's own network (wire contract A11);
// any other DN42 network changes them through the admin API.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/fwd.hpp>

#include "base/ip.h"
#include "controlplane/events.h"
#include "controlplane/peering_settings.h"
#include "controlplane/refusal.h"
#include "model/session.h"

namespace moenet::controlplane {

struct RpkiServer {
  std::string name;
  std::string host;
  std::uint16_t port = 8082;  // DN42's custom for RTR

  friend bool operator==(const RpkiServer&, const RpkiServer&) = default;
};

// What nodes hear as `policy` in bird-config (wire contract A10).
struct PolicySettings {
  std::uint32_t ebgp_import_limit = 10'000;
  std::uint32_t ebgp_export_limit = 5'000;
  std::uint32_t ibgp_import_limit = 20'000;
  std::uint32_t ibgp_export_limit = 30'000;
  std::uint32_t as_path_max_len = 5;
  std::vector<RpkiServer> rpki_servers = {{"akae", "rpki.akae.re", 8082},
                                          {"launchpadx", "rpki.dn42.launchpadx.top", 8082}};
  std::vector<model::Asn> blocked_asns;    // routes with one of them in the path are refused; sorted, unique
  std::vector<IpPrefix> blocked_prefixes;  // these and what is within; networks, sorted, unique

  friend bool operator==(const PolicySettings&, const PolicySettings&) = default;
};

// What nodes hear as their configuration (wire contract A4), the same for all.
struct AgentSettings {
  std::string bird_control_socket = "/run/bird/bird.ctl";  // Debian's bird2 and bird3
  std::uint32_t bird_pool_size = 5;
  std::uint32_t bird_pool_size_max = 64;
  std::string peer_conf_dir = "/etc/bird/peers";
  std::string ebgp_conf_template_file = "/opt/moenet-agent/templates/ebgp.conf.tmpl";
  std::string ibgp_conf_dir = "/etc/bird/ibgp.d";
  std::string private_key_path = "/etc/wireguard/private.key";
  std::string public_key_path = "/etc/wireguard/public.key";
  std::string wireguard_config_dir = "/etc/wireguard";
  std::uint32_t persistent_keepalive_s = 25;

  friend bool operator==(const AgentSettings&, const AgentSettings&) = default;
};

struct MeshSettings {
  // Nodes get a preshared key for each of their tunnels (mesh_keys.h). Only for networks in which every agent sets it:
  // a tunnel with a key at one end only is dead.
  bool preshared_keys = false;

  friend bool operator==(const MeshSettings&, const MeshSettings&) = default;
};

struct Settings {
  model::Asn asn = 4242420998;
  std::string ipv4_prefix = "172.22.188.0/26";              // node <id> gets the address prefix + id
  std::string ipv6_prefix = "fd00:4242:7777::/48";          // node gets <prefix>:<region>:<id>::1
  std::optional<PolicySettings> policy = PolicySettings{};  // absent: bird-config answers 404
  MeshSettings mesh;
  PeeringSettings peering;
  AgentSettings agent;
  std::vector<Webhook> webhooks;

  friend bool operator==(const Settings&, const Settings&) = default;
};

// {"asns":[…],"prefixes":[…]}, in the settings and in bird-config.
boost::json::value write_blocklist(const PolicySettings& policy);

// {"bird":{…},"wireguard":{…}}, in the settings and in each node's config.
boost::json::object write_agent(const AgentSettings& agent);

// As people read them: a secret is never shown again, only `hasSecret`.
boost::json::value write_settings(const Settings& settings);
// As the store keeps them.
boost::json::value write_settings_with_secrets(const Settings& settings);

// From the form of write_settings_with_secrets, as another version may have written it: a faulty member keeps its
// default and is told in `faults`, an unknown one too.
Settings read_settings(const boost::json::value& stored, std::vector<std::string>& faults);

// `settings` with the members of `changes` (an object of the same shape, any part of it) put over it. Refusals name the
// member: "policy.ebgpImportLimit". Unknown members are refused, because a typing error that changes nothing is worse
// than an error.
Checked<Settings> merge_settings(const Settings& settings, const boost::json::value& changes);

}  // namespace moenet::controlplane
