// FakeNode: a node in memory. It carries actions out as kernel and BIRD would, refuses what they would refuse, and does
// on request what real nodes do: fail at a step, lose things between two looks, be without BIRD, be left in the middle
// of anything by a killed agent. It counts and records every operation.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "reconcile/node.h"

namespace moenet::reconcile {

class FakeNode : public Node {
 public:
  NodeState state;

  std::map<std::string, Error> failing_links;        // every action on this link fails
  std::map<std::string, std::string> refused_files;  // BIRD's words
  std::string refused_policy;                        // BIRD's words for any policy that is put; empty: it takes it
  std::optional<Error> bird_error;                   // every transaction fails whole
  std::optional<Error> firewall_error;
  std::optional<Error> observe_error;
  std::vector<model::RouteCounts> routes;
  bool bird_reads_folder = true;         // false: bird.conf lacks the include line
  std::function<void(FakeNode&)> drift;  // runs before each observation
  std::function<void()> on_operation;    // runs before each operation; what it throws ends the agent there

  std::size_t observations = 0;
  std::size_t tunnel_calls = 0;
  std::size_t bird_calls = 0;
  std::vector<std::string> operations;  // "create dn42_1", "update …", "remove …", "put FILE", "drop FILE", "configure"
  std::vector<std::string> violations;  // what no correct reconciler asks for

  FakeNode() { state.bird.reachable = true; }

  Result<NodeState> observe(Deadline, const std::stop_token&) override {
    ++observations;
    if (drift) drift(*this);
    if (observe_error) return std::unexpected(*observe_error);
    return state;
  }

  std::vector<Result<void>> apply_tunnels(std::span<const TunnelAction> actions, Deadline,
                                          const std::stop_token&) override {
    ++tunnel_calls;
    if (actions.empty()) violations.push_back("empty batch of tunnel actions");
    std::vector<Result<void>> results;
    for (const TunnelAction& action : actions)
      results.push_back(std::visit([this](const auto& a) { return apply(a); }, action));
    return results;
  }

  Result<void> apply_firewall(const model::Firewall& firewall, Deadline, const std::stop_token&) override {
    note("firewall");
    if (firewall_error) return std::unexpected(*firewall_error);
    state.firewall.rules = firewall;
    state.firewall.intact = true;
    return {};
  }

  Result<BirdResult> apply_bird(const BirdAction& action, Deadline, const std::stop_token&) override {
    ++bird_calls;
    if (action.empty()) violations.push_back("empty BIRD action");
    if (!state.bird.reachable) return fail(Errc::unavailable, "connect to BIRD: no such file");
    if (bird_error) return std::unexpected(*bird_error);
    BirdResult result;
    if (action.changes_files()) state.bird.was_cut_off = true;  // until it runs what the files say
    if (action.judge_again) {
      note("judge again");
      state.bird.has_stale_verdicts = false;
    }
    const auto is_policy = [](const model::BirdFile& file) { return file.owner == model::kPolicyOwner; };
    if (std::ranges::any_of(action.put, is_policy)) result.policy_refused = refused_policy;
    for (const std::string& name : action.remove) {
      if (result.policy_refused.empty() || !is_policy(*file(name))) drop_file(name);
    }
    for (const model::BirdFile& file : action.put) {
      if (result.policy_refused.empty() || !is_policy(file)) put_file(file, result);
    }
    if (action.changes_files()) configure();
    result.configured = action.changes_files();
    for (const SessionOrder& order : action.orders) obey(order, result.configured);
    return result;
  }

  Result<std::vector<model::RouteCounts>> count_routes(Deadline, const std::stop_token&) override {
    if (!state.bird.reachable) return fail(Errc::unavailable, "connect to BIRD: no such file");
    return routes;
  }

  // BIRD reads what is in the folder, and forgets what was shut.
  void configure() {
    note("configure");
    state.bird.was_cut_off = false;
    state.bird.protocols.clear();
    state.bird.shut_protocols.clear();
    if (!bird_reads_folder) return;
    for (const auto& file : state.bird.files)
      state.bird.protocols.push_back(file->name.substr(0, file->name.rfind('.')));
    std::ranges::sort(state.bird.protocols);
  }

  model::Tunnel* link(const std::string& name) {
    const auto at = std::ranges::find(state.tunnels, name, &model::Tunnel::name);
    return at == state.tunnels.end() ? nullptr : &*at;
  }

  // Null when there is none of ours with that name.
  const model::BirdFile* file(const std::string& name) const {
    const auto at = std::ranges::find(state.bird.files, name, [](const auto& one) { return one->name; });
    return at == state.bird.files.end() ? nullptr : at->get();
  }

 private:
  void note(std::string operation) {
    if (on_operation) on_operation();
    operations.push_back(std::move(operation));
  }

  // An order to what BIRD does not run changes nothing.
  void obey(const SessionOrder& order, bool was_configured) {
    constexpr const char* kVerbs[] = {"shut ", "reopen ", "restart ", "retake "};
    note(kVerbs[static_cast<std::size_t>(order.kind)] + order.protocol);
    if (!std::ranges::binary_search(state.bird.protocols, order.protocol)) return;
    auto& shut = state.bird.shut_protocols;
    const auto at = std::ranges::lower_bound(shut, order.protocol);
    const bool is_shut = at != shut.end() && *at == order.protocol;
    if (!was_configured && is_shut != (order.kind == SessionOrder::Kind::reopen))
      violations.push_back("vain order: " + order.protocol);
    if (!is_shut && order.kind == SessionOrder::Kind::shut) shut.insert(at, order.protocol);
    if (is_shut && order.kind == SessionOrder::Kind::reopen) shut.erase(at);
  }

  Result<void> check(const std::string& what, const std::string& name) {
    note(what + " " + name);
    if (std::ranges::find(state.foreign_links, name) != state.foreign_links.end())
      violations.push_back("foreign " + name);
    if (const auto at = failing_links.find(name); at != failing_links.end()) return std::unexpected(at->second);
    return {};
  }

  Result<void> check_port(std::uint16_t port, const std::string& name) {
    for (const model::Tunnel& other : state.tunnels) {
      if (port != 0 && other.listen_port == port && other.name != name) {
        return fail(Errc::conflict, "listen port " + std::to_string(port) + " is in use");
      }
    }
    return {};
  }

  // As the kernel compares GRE links: by their kind, which the remote's family is, and what follows.
  Result<void> check_gre(const std::optional<GreHeader>& gre, const std::string& name) {
    if (!gre) return {};
    if (!gre->remote) violations.push_back("a GRE link to nobody: " + name);
    for (const model::Tunnel& other : state.tunnels) {
      const bool is_same = other.gre && other.name != name && other.gre->local == gre->local &&
                           other.gre->remote == gre->remote && other.gre->key == gre->key;
      if (is_same) return fail(Errc::conflict, "create link " + name + ": File exists");
    }
    return {};
  }

  Result<void> apply(const CreateTunnel& create) {
    TRY_VOID(check("create", create.tunnel.name));
    if (link(create.tunnel.name) != nullptr) {
      violations.push_back("created twice: " + create.tunnel.name);
      return fail(Errc::conflict, "the name is taken");
    }
    TRY_VOID(check_port(create.tunnel.listen_port, create.tunnel.name));
    TRY_VOID(check_gre(create.tunnel.gre, create.tunnel.name));
    model::Tunnel made = create.tunnel;
    if (made.listen_port == 0 && !made.gre) made.listen_port = static_cast<std::uint16_t>(next_free_port_++);
    const auto at = std::ranges::lower_bound(state.tunnels, made.name, {}, &model::Tunnel::name);
    state.tunnels.insert(at, std::move(made));
    return {};
  }

  Result<void> apply(const UpdateTunnel& update) {
    TRY_VOID(check("update", update.name));
    model::Tunnel* tunnel = link(update.name);
    if (tunnel == nullptr || tunnel->owner != update.owner) {
      violations.push_back("update of what is not there: " + update.name);
      return fail(Errc::not_found, "no such link");
    }
    if (update.listen_port) {
      TRY_VOID(check_port(*update.listen_port, update.name));
      tunnel->listen_port = *update.listen_port;
    }
    if (update.gre) {
      TRY_VOID(check_gre(update.gre, update.name));
      tunnel->gre = update.gre;
    }
    if (update.configured_endpoint) tunnel->configured_endpoint = *update.configured_endpoint;
    if (update.mtu_bytes) tunnel->mtu_bytes = *update.mtu_bytes;
    if (update.set_up) tunnel->up = true;
    if (update.private_key) tunnel->private_key = *update.private_key;
    for (const auto& gone : update.remove_addresses) std::erase(tunnel->addresses, gone);
    tunnel->addresses.insert(tunnel->addresses.end(), update.add_addresses.begin(), update.add_addresses.end());
    std::ranges::sort(tunnel->addresses);
    for (const Key& gone : update.remove_peers)
      std::erase_if(tunnel->peers, [&](const auto& peer) { return peer.public_key == gone; });
    for (const PeerUpdate& peer : update.peers) apply_peer(*tunnel, peer);
    return {};
  }

  void apply_peer(model::Tunnel& tunnel, const PeerUpdate& update) {
    auto at = std::ranges::lower_bound(tunnel.peers, update.public_key, {}, &model::TunnelPeer::public_key);
    const bool exists = at != tunnel.peers.end() && at->public_key == update.public_key;
    if (exists == update.add) violations.push_back("peer added twice or updated without being there: " + tunnel.name);
    if (!exists) {
      at = tunnel.peers.insert(at, model::TunnelPeer{});
      at->public_key = update.public_key;
    }
    if (update.preshared_key) at->preshared_key = update.preshared_key->is_zero() ? std::nullopt : update.preshared_key;
    if (update.endpoint) at->endpoint = update.endpoint;
    if (update.keepalive) at->keepalive = *update.keepalive;
    if (update.allowed_ips) at->allowed_ips = *update.allowed_ips;
  }

  Result<void> apply(const RemoveTunnel& remove) {
    TRY_VOID(check("remove", remove.name));
    if (link(remove.name) == nullptr) violations.push_back("removed twice: " + remove.name);
    std::erase_if(state.tunnels, [&](const model::Tunnel& tunnel) { return tunnel.name == remove.name; });
    return {};
  }

  void drop_file(const std::string& name) {
    note("drop " + name);
    const auto gone = std::erase_if(state.bird.files, [&](const auto& file) { return file->name == name; });
    if (gone == 0) violations.push_back("dropped a file that is not ours: " + name);
  }

  void put_file(const model::BirdFile& file, BirdResult& result) {
    note("put " + file.name);
    if (std::ranges::find(state.bird.foreign_files, file.name) != state.bird.foreign_files.end()) {
      violations.push_back("foreign " + file.name);
    }
    std::erase_if(state.bird.files, [&](const auto& old) { return old->name == file.name; });
    if (const auto refused = refused_files.find(file.name); refused != refused_files.end()) {
      result.refused.push_back({file.name, refused->second});
      return;
    }
    const auto by_name = [](const auto& item) -> const std::string& { return item->name; };
    const auto at = std::ranges::lower_bound(state.bird.files, file.name, {}, by_name);
    state.bird.files.insert(at, std::make_shared<const model::BirdFile>(file));
  }

  unsigned next_free_port_ = 40'000;
};

}  // namespace moenet::reconcile
