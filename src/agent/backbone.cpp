#include "agent/backbone.h"

#include <algorithm>
#include <iterator>

#include "agent/compose_mesh.h"
#include "base/log.h"

namespace moenet::agent {
namespace {

constexpr auto kEnabled = static_cast<std::int64_t>(model::SessionStatus::enabled);

std::vector<model::Owner> owners_of(const model::Mesh& mesh) {
  std::vector<model::Owner> owners;
  for (const model::MeshRow& row : mesh.peers) {
    if (row.node_id != 0) owners.push_back(model::owner_of_mesh(row.node_id));
  }
  return reconcile::distinct(std::move(owners));
}

// Rows of the mesh in force that a new one lacks, and that stay because it cannot be believed.
model::Mesh with_vanished(const model::Mesh& fresh, const model::Mesh& in_force) {
  model::Mesh mesh = fresh;
  for (const model::MeshRow& row : in_force.peers) {
    const bool is_listed = std::ranges::find(fresh.peers, row.node_id, &model::MeshRow::node_id) != fresh.peers.end();
    if (!is_listed) mesh.peers.push_back(row);
  }
  std::ranges::sort(mesh.peers, {}, &model::MeshRow::node_id);
  return mesh;
}

}  // namespace

Backbone::Backbone(const AgentConfig& config, NodeContext context)
    : config_(config), context_(std::move(context)), loopback_(compose_loopback(config.node, config.loopback)) {}

void Backbone::take_neighbors(std::vector<model::NodeId> present) {
  for (const model::NodeId node : present)
    present_.peers.push_back({node, std::unexpected(model::Fault{"peers", "not in the mesh any more, as it seems"})});
}

void Backbone::take_mesh(const Known<model::Mesh>& known, bool allow_mass_delete) {
  if (allow_mass_delete) guard_.allow_once();
  if (known.answer == nullptr || (known.answer == mesh_ && !verdict_.holds)) return;
  if (known.number == mesh_number_ && mesh_ != nullptr && !allow_mass_delete) return;
  mesh_number_ = known.number;
  const model::Mesh& before = mesh_ != nullptr ? *mesh_ : present_;
  if (!known.is_from_disk) verdict_ = guard_.judge(owners_of(before), owners_of(*known.answer));
  if (!known.is_from_disk && !verdict_.holds && known.answer->all_identified) {
    mesh_ = known.answer;
    return;
  }
  if (verdict_.holds) {
    log::warning("deletion guard holds: too many neighbors vanished from the mesh at once",
                 {{"vanished", verdict_.vanished.size()}, {"seen", verdict_.seen}, {"needed", verdict_.needed}});
  }
  mesh_ = std::make_shared<const model::Mesh>(with_vanished(*known.answer, before));
}

std::vector<NamedEndpoint> Backbone::named_endpoints() const {
  std::vector<NamedEndpoint> all;
  if (mesh_ == nullptr) return all;
  for (const model::MeshRow& row : mesh_->peers) {
    if (!row.peer || !row.peer->endpoint || row.peer->endpoint->address()) continue;
    all.push_back({model::owner_of_mesh(row.node_id), row.peer->endpoint->host});
  }
  return all;
}

// What the control plane says, or, until it does, what the node's own file says. The file's word on the network's
// number and prefixes wins, as everywhere.
std::optional<bird::PolicyInput> Backbone::policy_input() const {
  const BirdSettings& settings = config_.bird;
  bird::PolicyInput input;
  if (policy_ != nullptr) {
    input.policy = *policy_;
  } else if (settings.local_asn) {
    input.policy.policy = model::default_policy(*settings.local_asn);
    input.policy.node.name = config_.node.name;
  } else {
    return std::nullopt;
  }
  if (settings.local_asn) input.policy.policy.asn = *settings.local_asn;
  if (!settings.own_prefixes.empty()) input.policy.policy.own_prefixes = settings.own_prefixes;
  input.policy.node.loopback_ipv4 = config_.node.ipv4;
  input.policy.node.loopback_ipv6 = config_.node.ipv6;
  input.names = settings.names;
  input.loopback_link = config_.loopback.kind == LoopbackKind::none ? "lo" : config_.loopback.name;
  input.country = settings.country;
  if (roas_ != nullptr) input.roas = *roas_;
  input.has_ibgp_bfd = settings.has_ibgp_bfd;
  input.tells_topology = settings.tells_topology;
  input.has_mesh = config_.mesh.enabled;
  input.drain = drain_;
  return input;
}

const std::optional<Backbone::Files>& Backbone::policy_files(const std::string& bird_version) {
  PolicyBasis basis{policy_, roas_, bird_version, drain_};
  if (basis_ == basis) return files_;
  basis_ = std::move(basis);
  files_.reset();
  const auto version = bird::parse_version(bird_version);
  const auto input = policy_input();
  if (!version || !input) return files_;
  files_.emplace();
  for (model::BirdFile& file : bird::render_policy(*input, bird::Dialect::of(*version)))
    files_->push_back(std::make_shared<const model::BirdFile>(std::move(file)));
  return files_;
}

Composed Backbone::compose(const Lookup& lookup, const std::string& bird_version, const MtuLimits& limits) {
  Composed composed;
  std::vector<model::DesiredPeering>& peerings = composed.state.peerings;
  if (loopback_) peerings.push_back(*loopback_);
  composed.state.wants_firewall = config_.firewall == FirewallMode::nftables;
  composed.state.keeps_mesh = config_.mesh.enabled && mesh_ == nullptr;
  if (config_.mesh.enabled && mesh_ != nullptr)
    std::ranges::move(compose_mesh(*mesh_, context_, lookup, limits), std::back_inserter(peerings));
  composed.status_of.assign(peerings.size(), kEnabled);
  if (config_.bird.ownership == BirdOwnership::full) {
    composed.state.policy = policy_files(bird_version);
  } else {
    composed.state.policy.emplace();
  }
  return composed;
}

}  // namespace moenet::agent
