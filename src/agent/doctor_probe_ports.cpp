#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "agent/compose_mesh.h"
#include "agent/config_task.h"
#include "agent/doctor_probes.h"
#include "agent/ownership_mark.h"
#include "agent/session_sync.h"
#include "agent/state_file.h"
#include "model/lifecycle.h"
#include "model/mesh.h"
#include "model/session_json.h"
#include "net/bound_ports.h"
#include "net/wireguard.h"

namespace moenet::agent {
namespace {

using Use = PortClash::Use;

struct WantedPort {
  Use use;
  std::string what;
  bool is_needed;
};
using WantedPorts = std::map<std::uint16_t, WantedPort>;

std::string mesh_words(model::NodeId id) { return fmt::format("mesh node {}", id); }

std::vector<WantedLink> wanted_sessions(const AgentConfig& config) {
  std::vector<WantedLink> wanted;
  auto body = StateFile(config.state_folder, kSessionsAnswer, identity_of(config)).read();
  const auto answer = body ? read_answer(std::move(*body)) : std::unexpected(body.error());
  if (!answer) return wanted;
  for (const auto& row : answer->rows) {
    if (!row.session || model::intent_of(row.status) != model::Intent::present) continue;
    const std::string& name = row.session->interface_name;
    wanted.push_back({Use::session, "session " + name, name, row.session->listen_port});
  }
  return wanted;
}

std::vector<WantedLink> wanted_neighbors(const AgentConfig& config) {
  std::vector<WantedLink> wanted;
  if (!config.mesh.enabled) return wanted;
  const auto body = StateFile(config.state_folder, kMeshAnswer, identity_of(config)).read();
  const auto data = body ? model::read_envelope(*body) : std::unexpected(body.error());
  const auto mesh = data ? model::read_mesh(*data) : std::unexpected(data.error());
  if (!mesh) return wanted;
  for (const auto& row : mesh->peers) {
    if (!row.peer) continue;
    wanted.push_back({Use::mesh, mesh_words(row.node_id), mesh_interface(row.node_id),
                      static_cast<std::uint16_t>(kMeshPortBase + row.node_id)});
  }
  return wanted;
}

// With every node that the mesh may have.
WantedPorts wanted_udp_ports(const std::vector<WantedLink>& links) {
  WantedPorts wanted;
  for (const auto& link : links) {
    if (link.port != 0) wanted.emplace(link.port, WantedPort{link.use, link.what, true});
  }
  for (model::NodeId id = 1; id <= model::kLastNodeId; ++id)
    wanted.emplace(static_cast<std::uint16_t>(kMeshPortBase + id), WantedPort{Use::mesh, mesh_words(id), false});
  return wanted;
}

// What our own tunnels of the kernel listen on: their sockets have no process. Asked only where there are such links,
// because the question loads the kernel's module.
std::set<std::uint16_t> ports_of_kernel_tunnels(const std::vector<net::Link>& ours) {
  std::set<std::uint16_t> ports;
  if (std::ranges::none_of(ours, [](const net::Link& link) { return link.kind == "wireguard"; })) return ports;
  const auto kernel = net::open_kernel_wireguard();
  if (!kernel) return ports;
  const auto deadline = Deadline::after(kDoctorPatience);
  for (const auto& link : ours) {
    if (link.kind != "wireguard") continue;
    if (const auto device = (*kernel)->get(link.name, deadline)) ports.insert(device->listen_port);
  }
  return ports;
}

class Owners {
 public:
  Owners(std::optional<pid_t> agent, const std::vector<net::Link>& ours) : agent_(agent), ours_(ours) {}

  void look_up(const std::vector<net::BoundSocket>& sockets) {
    std::set<std::uint64_t> inodes;
    for (const auto& socket : sockets) inodes.insert(socket.inode);
    owners_ = net::owners_of(inodes);
    kernel_ports_ = ports_of_kernel_tunnels(ours_);
  }

  // Who has it; nothing, when we do.
  std::optional<std::string> foreign_holder(const net::BoundSocket& socket) const {
    const auto owner = owners_.find(socket.inode);
    if (owner == owners_.end()) {
      if (kernel_ports_.contains(socket.local.port)) return std::nullopt;
      return "the kernel (a tunnel that is not ours) or a process of another container";
    }
    const auto& [pid, words] = owner->second;
    const auto is_named = [&](const net::Link& link) { return !words.empty() && words.back() == link.name; };
    if (pid == agent_ || std::ranges::any_of(ours_, is_named)) return std::nullopt;
    return fmt::format("{} (pid {})", owner->second.name(), pid);
  }

 private:
  std::optional<pid_t> agent_;
  const std::vector<net::Link>& ours_;
  std::map<std::uint64_t, net::SocketOwner> owners_;
  std::set<std::uint16_t> kernel_ports_;
};

bool share_a_port(const Endpoint& a, const Endpoint& b) {
  const bool overlap = a.address == b.address || a.address.is_unspecified() || b.address.is_unspecified();
  return a.port == b.port && overlap;
}

}  // namespace

std::vector<WantedLink> wanted_links(const AgentConfig& config) {
  std::vector<WantedLink> wanted = wanted_sessions(config);
  std::ranges::move(wanted_neighbors(config), std::back_inserter(wanted));
  return wanted;
}

Probed<PortFact> probe_ports(const AgentConfig& config, const Probed<AgentFact>& agent,
                             const std::vector<net::Link>& ours, const std::vector<WantedLink>& links) {
  if (!is_root()) return for_root_only("which program holds a port");
  PortFact fact;
  fact.neighbors = static_cast<std::size_t>(std::ranges::count(links, Use::mesh, &WantedLink::use));
  fact.sessions = links.size() - fact.neighbors;
  const WantedPorts wanted = wanted_udp_ports(links);
  auto udp = net::bound_udp_sockets();
  std::erase_if(udp, [&](const net::BoundSocket& socket) { return !wanted.contains(socket.local.port); });
  auto tcp = net::listening_tcp_sockets();
  std::erase_if(tcp, [&](const net::BoundSocket& s) { return !share_a_port(s.local, config.api.listen); });

  const auto* running = std::get_if<AgentFact>(&agent);
  Owners owners(running != nullptr ? running->pid : std::nullopt, ours);
  auto all = udp;
  all.insert(all.end(), tcp.begin(), tcp.end());
  if (all.empty()) return fact;
  owners.look_up(all);
  std::set<std::uint16_t> told;  // a program often has a port on both families
  for (const auto& socket : udp) {
    const auto holder = owners.foreign_holder(socket);
    if (!holder || !told.insert(socket.local.port).second) continue;
    const auto& [use, what, is_needed] = wanted.at(socket.local.port);
    fact.clashes.push_back({use, what, socket.local.port, is_needed, *holder});
  }
  for (const auto& socket : tcp) {
    const auto holder = owners.foreign_holder(socket);
    if (!holder) continue;
    fact.clashes.push_back({Use::api, "the agent's API", socket.local.port, true, *holder});
    break;
  }
  return fact;
}

Probed<LinkNameFact> probe_link_names(const AgentConfig& config, const std::vector<net::Link>& links,
                                      std::vector<WantedLink> wanted) {
  if (!is_root()) return for_root_only("which links are wanted");
  if (config.loopback.kind != LoopbackKind::none && config.loopback.kind != LoopbackKind::lo)
    wanted.push_back({Use::session, "the loopback", config.loopback.name, 0});
  LinkNameFact fact{wanted.size(), {}};
  for (const auto& one : wanted) {
    const auto link = std::ranges::find(links, one.name, &net::Link::name);
    if (link != links.end() && !read_mark(link->alias)) fact.taken.push_back({one.what, one.name});
  }
  return fact;
}

}  // namespace moenet::agent
