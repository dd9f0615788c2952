// The checks of doctor one by one, for doctor.cpp alone: each a pure function from a fact to its Check.
#pragma once

#include <vector>

#include "agent/doctor.h"

namespace moenet::agent {

// Of the node itself (doctor_node_checks.cpp).
Check judge_config(const ConfigFact& config);
Check judge_agent(const AgentFact& agent);
Check judge_capabilities(const CapabilityFact& capabilities);
Check judge_icmp(const IcmpFact& icmp);
Check judge_wireguard(const WireGuardFact& wireguard);
Check judge_loopback_link(const LoopbackFact& loopback);
Check judge_gre(const LinkKindFact& kinds);
Check judge_kernel_settings(const std::vector<KernelSetting>& settings);
Check judge_ports(const PortFact& ports);
Check judge_link_names(const LinkNameFact& names);
Check judge_disk(const DiskFact& disk);
Check judge_secrets(const SecretsFact& secrets);
Check judge_firewall(const FirewallFact& firewall);

// Of whom it talks to (doctor_peer_checks.cpp).
Check judge_bird(const BirdFact& bird);
Check judge_bird_files(const Result<BirdFilesFact>& files);
Check judge_clock(const ClockFact& clock);
Check judge_lookups(const std::vector<LookupFact>& lookups);
Check judge_control_plane(const ControlPlaneFact& control_plane);
Check judge_rtr_servers(const std::vector<RtrFact>& servers);
Check judge_own_roas(const std::vector<OwnRoaFact>& roas);

// "a, b and 3 more": at most `most` of them.
std::string listed(const std::vector<std::string>& items, std::size_t most);

}  // namespace moenet::agent
