// The probes of doctor one by one, for doctor_probe.cpp alone. Each looks at one thing and never fails: what it cannot
// see is Skipped with the reason.
#pragma once

#include <chrono>
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
WireGuardFact probe_wireguard(const WireGuardSettings& settings);
LinkKindFact probe_link_kinds();
bool probe_clock();  // is it kept by NTP?
DiskFact probe_disk(const std::string& folder);
Probed<SecretsFact> probe_secrets(const AgentConfig& config, const ConfigSource& source);

// Who has the ports that we need (doctor_probe_ports.cpp).
Probed<PortFact> probe_ports(const AgentConfig& config, const Probed<AgentFact>& agent,
                             const std::vector<net::Link>& ours);

// BIRD (doctor_probe_bird.cpp).
struct BirdLook {
  Probed<BirdFact> fact;
  Probed<Result<BirdFilesFact>> files;
};
BirdLook probe_bird(const BirdSettings& settings);

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
