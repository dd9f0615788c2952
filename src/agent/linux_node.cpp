#include "agent/linux_node.h"

#include <algorithm>
#include <iterator>

#include "agent/base_config.h"
#include "base/log.h"
#include "bird/policy.h"
#include "bird/protocol_detail.h"
#include "bird/protocol_order.h"

namespace moenet::agent {
namespace {

// 10,000 ports and tunnels take 0.5 s (docs/decisions/0008).
constexpr std::chrono::seconds kFirewallWithin{10};

// A BGP session without its neighbor is "start"; "down" is one that was disabled (nest/proto.c, proto_state_name()).
constexpr std::string_view kDisabled = "down";
constexpr std::string_view kBgp = "BGP";

bird::ProtocolOrder::Kind kind_of(reconcile::SessionOrder::Kind kind) {
  switch (kind) {
    case reconcile::SessionOrder::Kind::shut: return bird::ProtocolOrder::Kind::disable;
    case reconcile::SessionOrder::Kind::reopen: return bird::ProtocolOrder::Kind::enable;
    case reconcile::SessionOrder::Kind::retake: return bird::ProtocolOrder::Kind::retake;
    case reconcile::SessionOrder::Kind::restart: break;
  }
  return bird::ProtocolOrder::Kind::restart;
}

bool has_policy(const std::vector<std::shared_ptr<const model::BirdFile>>& files) {
  return std::ranges::any_of(files, [](const auto& file) { return file->owner == model::kPolicyOwner; });
}

}  // namespace

LinuxNode::LinuxNode(const AgentConfig& config, NodeLinks links)
    : links_(std::move(links)),
      pool_(config.bird.control_socket, config.bird.pool),
      folder_(config.bird.peer_folder),
      transaction_(pool_, folder_, config.bird.names, {}),
      has_mesh_(config.mesh.enabled),
      has_firewall_(config.firewall == FirewallMode::nftables) {
  if (config.bird.ownership != BirdOwnership::full) return;
  base_config_path_ = config.bird.config_file;
  base_config_text_ = bird::render_main(config.bird.peer_folder, config.node.name, config.node.ipv4);
}

LinuxNode::~LinuxNode() = default;

Result<std::unique_ptr<LinuxNode>> LinuxNode::open(const AgentConfig& config) {
  TRY(auto links, NodeLinks::open(config));
  return std::unique_ptr<LinuxNode>(new LinuxNode(config, std::move(links)));
}

reconcile::BirdState LinuxNode::observe_bird(Deadline deadline, const std::stop_token& stop) {
  reconcile::BirdState state;
  if (auto listing = folder_.read()) {
    state.files = std::move(listing->ours);
    state.foreign_files = std::move(listing->foreign);
  } else {
    state.problem = listing.error().what;
    return state;
  }
  state.was_cut_off = transaction_.was_cut_off();
  if (base_config_text_ && has_policy(state.files)) {
    const auto is_current = is_base_config_current(base_config_path_, *base_config_text_);
    if (!is_current) {
      state.problem = is_current.error().what;
      return state;
    }
    state.was_cut_off = state.was_cut_off || !*is_current;
  }
  auto reply = pool_.ask("show protocols", deadline.or_sooner(std::chrono::seconds(10)), stop);
  if (!reply) {
    state.problem = reply.error().what;
    return state;
  }
  auto protocols = bird::parse_protocols(*reply);
  if (!protocols) {
    state.problem = protocols.error().what;
    return state;
  }
  state.reachable = true;
  if (const auto version = pool_.version()) state.version = version->text();
  for (auto& protocol : *protocols) {
    if (protocol.state == kDisabled) state.shut_protocols.push_back(protocol.name);
    if (protocol.proto == kBgp && !protocol.is_established()) state.silent_protocols.push_back(protocol.name);
    state.protocols.push_back(std::move(protocol.name));
  }
  std::ranges::sort(state.protocols);
  std::ranges::sort(state.shut_protocols);
  std::ranges::sort(state.silent_protocols);
  state.has_stale_verdicts = has_policy(state.files) && has_stale_verdicts(deadline, stop);
  if (has_mesh_) {
    if (auto babel = pool_.ask("show babel neighbors", deadline.or_sooner(std::chrono::seconds(10)), stop))
      state.babel_interfaces = bird::parse_babel_neighbors(*babel);
  }
  return state;
}

// That BIRD cannot say is no problem: it is asked at the next look.
bool LinuxNode::has_stale_verdicts(Deadline deadline, const std::stop_token& stop) {
  const auto roas = bird::look_at_roas(pool_, deadline.or_sooner(std::chrono::seconds(10)), stop);
  return roas && *roas && filter_memory_.is_stale(**roas);
}

reconcile::FirewallState LinuxNode::observe_firewall(Deadline deadline) {
  reconcile::FirewallState state;
  if (!ruleset_) {
    auto opened = net::Ruleset::open();
    if (!opened) {
      state.problem = std::move(opened.error().what);
      return state;
    }
    ruleset_.emplace(std::move(*opened));
  }
  auto table = ruleset_->read(deadline);
  if (!table) {
    state.problem = std::move(table.error().what);
  } else if (*table) {
    const net::FirewallRules& rules = (*table)->rules;
    state.rules = model::Firewall{rules.udp_ports, rules.tunnel_interfaces, rules.gre_peers};
    state.intact = (*table)->intact;
  }
  return state;
}

Result<void> LinuxNode::apply_firewall(const model::Firewall& firewall, Deadline deadline, const std::stop_token&) {
  if (!ruleset_) return fail(Errc::unavailable, "the firewall could not be opened");
  const net::FirewallRules rules{firewall.udp_ports, firewall.tunnel_interfaces, firewall.gre_peers};
  TRY_VOID(ruleset_->apply(rules, deadline.or_sooner(kFirewallWithin)));
  return {};
}

Result<reconcile::NodeState> LinuxNode::observe(Deadline deadline, const std::stop_token& stop) {
  reconcile::NodeState state;
  TRY(state.tunnels, links_.observe(deadline, stop));
  state.foreign_links = links_.foreign();
  state.bird = observe_bird(deadline, stop);
  if (has_firewall_) state.firewall = observe_firewall(deadline.or_sooner(kFirewallWithin));
  return state;
}

Result<std::vector<model::RouteCounts>> LinuxNode::count_routes(Deadline deadline, const std::stop_token& stop) {
  TRY(const auto reply, pool_.ask("show protocols all \"dn42_*\"", deadline, stop));
  TRY(const auto protocols, bird::parse_protocol_details(reply));
  std::vector<model::RouteCounts> counts;
  std::ranges::transform(protocols, std::back_inserter(counts), bird::route_counts_of);
  return counts;
}

Result<void> LinuxNode::give_orders(const reconcile::BirdAction& action, Deadline deadline,
                                    const std::stop_token& stop) {
  if (action.orders.empty()) return {};
  std::vector<bird::ProtocolOrder> orders;
  std::vector<std::string> commands;
  for (const auto& order : action.orders) {
    orders.push_back({kind_of(order.kind), order.protocol, action.message});
  }
  TRY(auto lease, pool_.take(deadline, stop));
  for (const auto& order : orders) commands.push_back(bird::command_of(order, lease->version()));
  TRY(const auto replies, lease->ask_all(commands, deadline, stop));
  for (std::size_t i = 0; i < replies.size(); ++i) TRY_VOID(bird::outcome_of(orders[i], replies[i]));
  return {};
}

Result<reconcile::BirdResult> LinuxNode::change_files(const reconcile::BirdAction& action, Deadline deadline,
                                                      const std::stop_token& stop) {
  bird::FileChange change;
  change.put = action.put;
  change.remove = action.remove;
  TRY(const auto listing, folder_.read());
  const auto is_policy = [](const model::BirdFile& file) { return file.owner == model::kPolicyOwner; };
  if (has_policy(listing.ours) || std::ranges::any_of(action.put, is_policy)) change.main_text = base_config_text_;
  change.reload = action.reload;
  TRY(auto done, transaction_.apply(change, deadline, stop));
  reconcile::BirdResult result;
  result.configured = done.configured;
  for (auto& refusal : done.refused) result.refused.push_back({std::move(refusal.file), std::move(refusal.message)});
  result.policy_refused = std::move(done.policy_refused);
  return result;
}

Result<reconcile::BirdResult> LinuxNode::apply_bird(const reconcile::BirdAction& action, Deadline deadline,
                                                    const std::stop_token& stop) {
  reconcile::BirdResult result;
  if (action.changes_files()) {
    TRY(result, change_files(action, deadline, stop));
  }
  TRY_VOID(give_orders(action, deadline, stop));
  if (action.judge_again) {
    TRY_VOID(bird::ask_filters_again(pool_, deadline.or_sooner(std::chrono::seconds(10)), stop));
    filter_memory_.note_asked();
    log::info("this network's own ROA came or went: BIRD's filters judge all routes again");
  }
  return result;
}

}  // namespace moenet::agent
