// AgentConfig: everything the agent is told locally, read from one JSON file, the environment and, for what these do
// not say, from the control plane's `config` answer (wire contract A4). All faults are found at once.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "agent/looking_glass.h"
#include "base/ip.h"
#include "base/result.h"
#include "base/secret.h"
#include "bird/client.h"
#include "bird/render.h"
#include "model/json_reader.h"
#include "model/peering.h"
#include "reconcile/reconciler.h"

namespace moenet::agent {

struct ControlPlaneSettings {
  std::string url;  // http(s)://host[:port][/base], no trailing slash
  Secret token;
  std::chrono::seconds request_timeout{15};
  std::chrono::seconds heartbeat_interval{30};
  std::chrono::seconds sync_interval{60};
  std::chrono::seconds metric_interval{60};
  unsigned max_retries = 3;
  std::chrono::milliseconds retry_initial_delay{1000};
};

enum class BirdOwnership {
  peers,  // the operator's bird.conf includes our peer files
  full,   // the agent writes bird.conf too
};

struct BirdSettings {
  std::string control_socket = "/run/bird/bird.ctl";
  bird::PoolLimits pool;
  std::string peer_folder = "/etc/bird/peers";
  BirdOwnership ownership = BirdOwnership::peers;
  std::string config_file = "/etc/bird/bird.conf";  // written with ownership full only
  // With ownership full: what the control plane's policy says instead, and all there is while it says nothing.
  std::optional<model::Asn> local_asn;
  std::vector<IpPrefix> own_prefixes;
  std::optional<std::uint32_t> country;  // ISO 3166 numeric, for the country community of own routes
  bool has_ibgp_bfd = false;
  bool tells_topology = false;              // the community "tunnel" on what comes in over a session
  bool says_source = true;                  // peer files name our own address
  std::vector<std::string> roa_urls;        // of files of ROAs; http(s), each once
  std::chrono::seconds roa_interval{3600};  // between two fetches of them
  bird::PolicyNames names;
};

enum class WireGuardBackend { automatic, kernel, userspace };

struct WireGuardSettings {
  std::string private_key_path = "/etc/wireguard/private.key";
  std::string public_key_path;  // empty: not written
  std::chrono::seconds keepalive{25};
  WireGuardBackend backend = WireGuardBackend::automatic;
  std::string userspace_program = "wireguard-go";
};

enum class LoopbackKind {
  automatic,  // dummy, or ifb or bridge where the kernel has no dummy
  dummy,
  ifb,
  bridge,
  lo,    // the addresses go onto `lo` itself
  none,  // the operator puts them somewhere
};

struct LoopbackSettings {
  LoopbackKind kind = LoopbackKind::none;
  std::string name = "dn42-lo";
};

enum class FirewallMode { none, nftables };

struct MeshSettings {
  bool enabled = true;
};

struct ApiSettings {
  Endpoint listen;
  Secret token;  // empty: only /status, only from loopback
  std::chrono::seconds idle_timeout{120};
};

// What of the kernel's settings is looked at and set (agent/kernel_settings).
struct KernelSettings {
  bool manage_settings = false;  // else they are only judged
  bool accept_local = false;     // this node has an address that other nodes have too (anycast)
};

// Of ICMP echoes (agent/rtt_task).
struct MetricSettings {
  unsigned ping_count = 4;  // to each link, each time
  std::chrono::seconds ping_timeout{5};
  std::chrono::seconds rtt_interval{300};
};

// When a session that does not work is a problem (agent/health).
struct HealthSettings {
  // How long it must fail before it is one, which is also what a new session has to come up.
  std::chrono::seconds problem_after{120};
  // How long it must work before the problem is over, and how long another cause must hold before it is told.
  std::chrono::seconds ok_after{10};
  // From the hit of an import limit to when BIRD is first asked to take again what it blocked (agent/limit_retry).
  std::chrono::seconds limit_retry{300};
};

enum class MtuProbe {
  off,
  advise,
  apply,  // a tunnel is made no larger than its path carries
};

// Of the paths beneath tunnels (agent/mtu_task).
struct MtuSettings {
  MtuProbe probe = MtuProbe::advise;
  // Between two searches of a path. Chosen: paths change when providers do; a search is some 100 packets.
  std::chrono::seconds interval{3600};
};

struct AgentConfig {
  model::NodeIdentity node;
  // False for the bootstrap form until the control plane's config was merged in: then no session may be judged yet.
  bool is_complete = false;
  ControlPlaneSettings control_plane;
  BirdSettings bird;
  WireGuardSettings wireguard;
  LoopbackSettings loopback;
  MeshSettings mesh;
  FirewallMode firewall = FirewallMode::none;
  ApiSettings api;
  KernelSettings kernel;
  MetricSettings metric;
  HealthSettings health;
  MtuSettings mtu;
  LookingGlassSettings looking_glass;
  std::string state_folder = "/var/lib/moenet-agent";
  reconcile::ReconcilerSettings reconciler;
};

struct LoadedConfig {
  AgentConfig config;
  std::vector<std::string> warnings;  // unknown keys and the like
};

// A JSON file and the environment, before it is understood; kept, because the control plane's answer is merged beneath
// it.
struct ConfigSource {
  std::string path;
  boost::json::value file;
};

// `./config.json`, `/etc/moenet-agent/config.json`, `/opt/moenet-agent/config.json`: the first that exists. Errors:
// not_found.
Result<std::string> find_config_file();
// Errors: not_found, denied, invalid (not JSON: line and column are named).
Result<ConfigSource> read_config_file(const std::string& path);

// The value of an environment variable, or nullptr: getenv in service, a table in tests.
using Environment = const char* (*)(const char* name);

// The members of the control plane's config `data` that count: those that wire contract A4 lists and that say
// something. Empty when it is no object.
boost::json::object fetched_members(const boost::json::value& fetched);

// Where a token may come from beside file and environment, and whether there must be one.
struct TokenSearch {
  std::string credential_file;  // the service's systemd credential, for those who are not the service
  bool is_optional = false;     // none, or one that may not be read, is no fault
};

// Understands file and environment over `fetched` (the control plane's config `data`, or null). Environment wins over
// file, file over fetched.
std::expected<LoadedConfig, std::vector<model::JsonFault>> understand_config(const ConfigSource& source,
                                                                             const boost::json::value& fetched,
                                                                             Environment environment,
                                                                             const TokenSearch& tokens = {});

}  // namespace moenet::agent
