#include "agent/doctor_probe.h"

#include <algorithm>
#include <iterator>
#include <thread>

#include "agent/commands.h"
#include "agent/doctor_probes.h"
#include "agent/hostile_chains.h"
#include "agent/ownership_mark.h"
#include "net/netlink.h"

namespace moenet::agent {
namespace {

std::vector<net::Link> links_now() {
  const auto deadline = Deadline::after(kDoctorPatience);
  auto socket = net::NetlinkSocket::open(net::NetlinkFamily::route);
  auto links = socket ? net::list_links(*socket, deadline) : std::unexpected(socket.error());
  return links ? std::move(*links) : std::vector<net::Link>();
}

ConfigFact fact_of(const ConfigFailure& failure) {
  ConfigFact fact;
  fact.path = failure.path;
  fact.is_hidden = failure.unreadable && failure.unreadable->code == Errc::denied && !is_root();
  if (failure.unreadable) fact.faults.push_back(failure.unreadable->what);
  for (const auto& fault : failure.faults) fact.faults.push_back(fault.text());
  return fact;
}

Probed<FirewallFact> probe_firewall() {
  if (!is_root()) return Skipped{"only root may see the firewall"};
  auto chains = hostile_chains();
  if (!chains) return Skipped{chains.error().what};
  return FirewallFact{std::move(*chains), hostile_chains_remedy()};
}

void probe_configured(const ConfigWithSource& config, const std::vector<net::Link>& links,
                      const std::vector<net::Link>& ours, DoctorFacts& facts) {
  const AgentConfig& settings = config.loaded.config;
  facts.config = {config.source.path, settings.node.name, settings.is_complete, false, config.loaded.warnings, {}};
  ControlPlaneLook control_plane;
  NamesLook names;
  BirdLook bird;
  {
    const std::jthread asks_control_plane([&] { control_plane = probe_control_plane(settings); });
    const std::jthread asks_names([&] { names = probe_names(settings); });
    const std::jthread asks_bird([&] { bird = probe_bird(settings); });
    facts.agent = probe_agent(settings);
    facts.wireguard = probe_wireguard(settings.wireguard);
    facts.loopback = probe_loopback(settings.loopback.kind);
    const auto wanted = wanted_links(settings);
    facts.ports = probe_ports(settings, facts.agent, ours, wanted);
    facts.link_names = probe_link_names(settings, links, wanted);
    facts.own_roas = probe_own_roas(settings);
    facts.disk = probe_disk(settings.state_folder);
    facts.secrets = probe_secrets(settings, config.source);
    facts.firewall = probe_firewall();
  }
  facts.bird = std::move(bird.fact);
  facts.bird_files = std::move(bird.files);
  facts.control_plane = std::move(control_plane.fact);
  facts.clock = ClockFact{probe_clock(), control_plane.clock_ahead};
  facts.lookups = std::move(names.lookups);
  facts.rtr_servers = std::move(names.rtr_servers);
}

}  // namespace

DoctorFacts probe_node(const std::string& config_path) {
  DoctorFacts facts;
  const auto links = links_now();
  auto ours = links;
  std::erase_if(ours, [](const net::Link& link) { return !read_mark(link.alias); });
  // A token that another user may not read is no fault of the configuration.
  const auto config = read_config(config_path, {std::string(kServiceCredential), !is_root()});
  KernelSettings kernel;
  if (config) {
    kernel = config->loaded.config.kernel;
    probe_configured(*config, links, ours, facts);
  } else {
    facts.config = fact_of(config.error());
    facts.clock = ClockFact{probe_clock(), std::nullopt};
  }
  facts.capabilities = probe_capabilities(facts.agent);
  facts.icmp = probe_icmp(facts.agent);
  facts.link_kinds = probe_link_kinds();
  std::vector<std::string> names;
  std::ranges::transform(ours, std::back_inserter(names), &net::Link::name);
  facts.kernel_settings = check_kernel_settings(net::Sysctl(), kernel, names);
  return facts;
}

}  // namespace moenet::agent
