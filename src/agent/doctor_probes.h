// The probes of doctor one by one, for doctor_probe.cpp alone. Each looks at one thing and never fails: what it cannot
// see is Skipped with the reason.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config.h"
#include "agent/doctor_facts.h"
#include "base/clock.h"
#include "model/routing_policy.h"
#include "net/link.h"

namespace moenet::agent {

// Of one step that waits for others.
inline constexpr std::chrono::seconds kDoctorPatience{3};

bool is_root();
// What a user who is not root cannot see.
Skipped for_root_only(std::string_view what);

// Of the machine (doctor_probe_host.cpp). `ours` are the links with our mark.
Probed<AgentFact> probe_agent(const AgentConfig& config);
Probed<CapabilityFact> probe_capabilities(const Probed<AgentFact>& agent);
Probed<IcmpFact> probe_icmp(const Probed<AgentFact>& agent);
WireGuardFact probe_wireguard(const WireGuardSettings& settings);
LoopbackFact probe_loopback(LoopbackKind wanted);
LinkKindFact probe_link_kinds();
// What the kernel allows a process with these groups (net.ipv4.ping_group_range, icmp(7)): "LOW HIGH", both included.
std::optional<net::IcmpAccess> icmp_access_of(bool has_net_raw, const std::vector<std::uint32_t>& groups,
                                              std::string_view group_range);
bool probe_clock();  // is it kept by NTP?
DiskFact probe_disk(const std::string& folder);
Probed<SecretsFact> probe_secrets(const AgentConfig& config, const ConfigSource& source);

// A link that the control plane wanted when it answered last: of a session or to a neighbor in the mesh.
struct WantedLink {
  PortClash::Use use = PortClash::Use::session;
  std::string what;  // as PortClash's
  std::string name;
  std::uint16_t port = 0;  // 0: the kernel's choice
};
std::vector<WantedLink> wanted_links(const AgentConfig& config);
// Who has the ports and the names that we need (doctor_probe_ports.cpp). `links` are all of the node.
Probed<PortFact> probe_ports(const AgentConfig& config, const Probed<AgentFact>& agent,
                             const std::vector<net::Link>& ours, const std::vector<WantedLink>& wanted);
Probed<LinkNameFact> probe_link_names(const AgentConfig& config, const std::vector<net::Link>& links,
                                      std::vector<WantedLink> wanted);

// BIRD (doctor_probe_bird.cpp).
struct BirdLook {
  Probed<BirdFact> fact;
  Probed<Result<BirdFilesFact>> files;
};
BirdLook probe_bird(const AgentConfig& config);

// Without the policy (bird.ownership "full") there are no tables to look at.
Probed<std::vector<OwnRoaFact>> probe_own_roas(const AgentConfig& config);

// The control plane, and whom its policy names (doctor_probe_network.cpp).
struct ControlPlaneLook {
  Probed<ControlPlaneFact> fact;
  std::optional<std::chrono::seconds> clock_ahead;  // ours, of its Date header
};
ControlPlaneLook probe_control_plane(const AgentConfig& config);
struct NamesLook {
  Probed<std::vector<LookupFact>> lookups;
  Probed<std::vector<RtrFact>> rtr_servers;
};
NamesLook probe_names(const AgentConfig& config);
// What the control plane said of BIRD last. Errors: not_found (none was kept), denied, invalid.
Result<model::BirdPolicy> kept_policy(const AgentConfig& config);

}  // namespace moenet::agent
