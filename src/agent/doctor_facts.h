// What `moenet-agent doctor` looks at, as values: probing (doctor_probe) fills them, judging (doctor) reads nothing
// else. Texts in them may come from outside; they are escaped when they are shown. No secret gets in here.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>
#include <variant>
#include <vector>

#include "agent/config.h"
#include "agent/kernel_settings.h"
#include "base/ip.h"
#include "base/result.h"
#include "bird/reply.h"
#include "net/icmp_socket.h"
#include "net/link_kinds.h"

namespace moenet::agent {

// Why something was not looked at. What is never set is what needs a configuration that is not there.
struct Skipped {
  std::string why = "needs the configuration";
};
template <class T>
using Probed = std::variant<Skipped, T>;

struct ConfigFact {
  std::string path;  // empty: none was found
  std::string node;
  bool is_complete = false;  // else the rest is still to come from the control plane
  bool is_hidden = false;    // this user may not read it
  std::vector<std::string> warnings;
  std::vector<std::string> faults;  // not empty: it cannot be used
};

struct AgentFact {
  std::optional<pid_t> pid;  // who holds the node's lock
};

struct CapabilityFact {
  std::string whose;  // "the running agent has", "this process has"
  bool net_admin = false;
  bool net_raw = false;
};

// How the agent, or else this process, may send echoes to its neighbors.
struct IcmpFact {
  std::string whose;                      // as in CapabilityFact
  std::optional<net::IcmpAccess> access;  // absent: not at all
  std::string group_range;                // net.ipv4.ping_group_range as it is
};

struct WireGuardFact {
  WireGuardBackend backend = WireGuardBackend::automatic;
  net::KindSupport kernel = net::KindSupport::unknown;
  std::string program;       // of userspace, as configured
  std::string program_path;  // where it is; empty: nowhere
  bool has_tun = false;      // /dev/net/tun
};

// The link that carries the node's addresses, as configured, and the kinds that may be it.
struct LoopbackFact {
  LoopbackKind wanted = LoopbackKind::none;
  net::KindSupport dummy = net::KindSupport::unknown;
  net::KindSupport ifb = net::KindSupport::unknown;
  net::KindSupport bridge = net::KindSupport::unknown;
};

struct LinkKindFact {
  net::KindSupport gre = net::KindSupport::unknown;
  net::KindSupport ip6gre = net::KindSupport::unknown;
};

struct BirdFact {
  std::string socket;
  Result<bird::Version> version;
};

// How BIRD's main file and the peer folder fit together.
struct BirdFilesFact {
  std::string main_file;
  std::string peer_folder;
  bool has_folder = false;
  bool is_included = false;          // a new file in the folder would be read
  std::vector<std::string> missing;  // names that peer files need and that are not defined before them
  std::string snippets;              // which define them
  bool is_others = false;            // bird.ownership "full", and the main file is not the agent's
  std::vector<std::string> taken;    // names of the agent's policy that a file of somebody else defines too
  std::string refused;               // what BIRD says against its configuration as it lies there, else empty
};

struct PortClash {
  enum class Use { session, mesh, api };
  Use use = Use::session;
  std::string what;  // "session dn42_4242420101", "mesh node 3"
  std::uint16_t port = 0;
  bool is_needed = true;  // false: only if such a mesh node comes
  std::string holder;     // "nginx (pid 12)"
};
struct PortFact {
  std::size_t sessions = 0;   // whose ports were looked at
  std::size_t neighbors = 0;  // of the mesh, likewise
  std::vector<PortClash> clashes;
};

// A link that is not ours and has a name that one of ours is to have.
struct NameClash {
  std::string what;  // "session dn42_4242420101", "mesh node 3", "the loopback"
  std::string name;
};
struct LinkNameFact {
  std::size_t names = 0;  // looked at
  std::vector<NameClash> taken;
};

struct ClockFact {
  bool is_synchronised = false;
  std::optional<std::chrono::seconds> ahead;  // of the control plane's; absent when it sent no date
};

struct LookupFact {
  std::string host;
  bool is_control_plane = false;
  Result<IpAddress> address;
};

struct ControlPlaneFact {
  std::string url;
  std::string node;
  Result<int> status;  // of GET config with the node's token
  std::chrono::milliseconds took{0};
};

struct RtrFact {
  std::string server;  // "host:port"
  Result<void> reached;
};

// One of this network's prefixes, and whether BIRD's tables hold a ROA for it.
struct OwnRoaFact {
  std::string prefix;
  model::Asn asn = 0;
  bool is_loaded = false;
};

struct DiskFact {
  std::string folder;
  std::uint64_t free_bytes = 0;
  std::uint64_t free_files = 0;
  bool counts_files = false;  // else the file system makes inodes as it needs them
  bool is_read_only = false;
};

// A file with a secret that more users may read than should.
struct OpenFile {
  std::string path;
  std::string what;  // "the private key"
  mode_t mode = 0;   // permission bits
};
struct SecretsFact {
  std::size_t files = 0;  // looked at
  std::vector<OpenFile> open;
};

struct FirewallFact {
  std::vector<std::string> hostile;  // chains of other programs, as hostile_chains() says them
  std::string remedy;                // lines that let ours through
};

struct DoctorFacts {
  ConfigFact config;
  Probed<AgentFact> agent;
  Probed<CapabilityFact> capabilities;
  Probed<IcmpFact> icmp;
  Probed<WireGuardFact> wireguard;
  Probed<LoopbackFact> loopback;
  Probed<LinkKindFact> link_kinds;
  Probed<BirdFact> bird;
  Probed<Result<BirdFilesFact>> bird_files;
  Probed<std::vector<KernelSetting>> kernel_settings;
  Probed<PortFact> ports;
  Probed<LinkNameFact> link_names;
  Probed<ClockFact> clock;
  Probed<std::vector<LookupFact>> lookups;
  Probed<ControlPlaneFact> control_plane;
  Probed<std::vector<RtrFact>> rtr_servers;
  Probed<std::vector<OwnRoaFact>> own_roas;
  Probed<DiskFact> disk;
  Probed<SecretsFact> secrets;
  Probed<FirewallFact> firewall;
};

}  // namespace moenet::agent
