#include <utility>

#include "agent/doctor_probes.h"
#include "bird/client.h"
#include "bird/control.h"
#include "bird/roa_state.h"

namespace moenet::agent {
namespace {

// The file's word wins, as in agent/backbone.
std::vector<OwnRoaFact> wanted_roas(const AgentConfig& config, std::vector<IpPrefix>& networks) {
  const auto known = kept_policy(config);
  model::Asn asn = known ? known->policy.asn : 0;
  if (known) networks = known->policy.own_prefixes;
  if (config.bird.local_asn) asn = *config.bird.local_asn;
  if (!config.bird.own_prefixes.empty()) networks = config.bird.own_prefixes;
  std::erase_if(networks, [](const IpPrefix& network) { return network.has_host_bits(); });
  std::vector<OwnRoaFact> wanted;
  wanted.reserve(networks.size());
  for (const IpPrefix& network : networks) wanted.push_back({network.text(), asn, false});
  return wanted;
}

}  // namespace

Probed<std::vector<OwnRoaFact>> probe_own_roas(const AgentConfig& config) {
  if (config.bird.ownership != BirdOwnership::full)
    return Skipped{"the ROA tables are bird.conf's own (bird.ownership \"peers\")"};
  std::vector<IpPrefix> networks;
  auto roas = wanted_roas(config, networks);
  if (roas.empty()) return Skipped{"this network's prefixes are not known yet"};
  const auto deadline = Deadline::after(kDoctorPatience);
  auto client = bird::BirdClient::connect(config.bird.control_socket, deadline, {});
  if (!client) return Skipped{"BIRD does not answer"};
  bird::BirdControl bird(*client, deadline, {});
  for (std::size_t i = 0; i < roas.size(); ++i) {
    const auto answer = bird.evaluate(bird::has_roa(networks[i], roas[i].asn));
    if (!answer) return Skipped{answer.error().what};
    if (!*answer) return Skipped{"BIRD does not run the policy yet"};
    roas[i].is_loaded = **answer == "TRUE";
  }
  return roas;
}

}  // namespace moenet::agent
