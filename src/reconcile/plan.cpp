#include "reconcile/plan.h"

#include <algorithm>

#include "reconcile/difference.h"
#include "reconcile/observed_index.h"

namespace moenet::reconcile {
namespace {

using model::DesiredPeering;
using model::Intent;
using model::Tunnel;

constexpr auto kNone = ObservedIndex::kNone;

// What becomes of an observed tunnel.
enum class Fate : std::uint8_t {
  remove,        // after BIRD has stopped speaking over it
  remove_first,  // its name or port is needed
  keep,          // it is as wanted, or gets an update
  untouched,     // whatever it is
};

template <class T>
void sort_unique(std::vector<T>& items) {
  std::ranges::sort(items);
  const auto repeated = std::ranges::unique(items);
  items.erase(repeated.begin(), repeated.end());
}

class Planner {
 public:
  Planner(const model::DesiredState& desired, const NodeState& observed)
      : desired_(desired),
        index_(observed),
        fates_(observed.tunnels.size(), Fate::remove),
        wanted_by_(observed.tunnels.size(), nullptr),
        stays_(observed.bird.files.size(), false) {}

  Plan run() {
    for (const DesiredPeering& peering : desired_.peerings) {
      if (peering.intent == Intent::untouched) leave_untouched(peering.owner);
    }
    if (desired_.keeps_mesh) leave_mesh();
    for (const DesiredPeering& peering : desired_.peerings) {
      if (peering.intent != Intent::present) continue;
      const auto owned = index_.of(peering.tunnel->owner);
      const auto tunnel = own_tunnel(owned, peering.tunnel->name);
      const auto file = peering.bird_file ? own_file(owned, peering.bird_file->name) : kNone;
      if (is_blocked(peering, tunnel, file)) {
        leave_untouched(peering.tunnel->owner);
        plan_.blocked.push_back(peering.owner);
      } else {
        want_tunnel(*peering.tunnel, tunnel);
        if (peering.bird_file) want_file(*peering.bird_file, peering.protocol, file);
      }
    }
    want_policy();
    free_what_is_taken();
    if (desired_.wants_firewall) want_firewall();
    return collect();
  }

 private:
  void leave_untouched(std::string_view owner) {
    const auto owned = index_.of(owner);
    for (auto i = owned.first_tunnel; i != kNone; i = index_.next_tunnel(i)) fates_[i] = Fate::untouched;
    for (auto i = owned.first_file; i != kNone; i = index_.next_file(i)) stays_[i] = true;
  }

  void leave_mesh() {
    for (std::uint32_t i = 0; i < fates_.size(); ++i) {
      if (model::mesh_node_of(index_.tunnel(i).owner)) fates_[i] = Fate::untouched;
    }
  }

  std::uint32_t own_tunnel(ObservedIndex::Owned owned, std::string_view name) const {
    auto i = owned.first_tunnel;
    while (i != kNone && index_.tunnel(i).name != name) i = index_.next_tunnel(i);
    return i;
  }

  std::uint32_t own_file(ObservedIndex::Owned owned, std::string_view name) const {
    auto i = owned.first_file;
    while (i != kNone && index_.file(i).name != name) i = index_.next_file(i);
    return i;
  }

  // Is its tunnel unreadable, or a name that the peering needs foreign, or held by an owner that nobody may touch? What
  // it has itself is neither of the latter.
  bool is_blocked(const DesiredPeering& peering, std::uint32_t own_tunnel, std::uint32_t own_file) const {
    if (own_tunnel != kNone && !index_.tunnel(own_tunnel).unreadable.empty()) return true;
    if (own_tunnel == kNone) {
      if (index_.is_foreign_link(peering.tunnel->name)) return true;
      const auto holder = index_.tunnel_named(peering.tunnel->name);
      if (holder != kNone && fates_[holder] == Fate::untouched) return true;
    }
    return own_file == kNone && peering.bird_file && is_held(peering.bird_file->name);
  }

  bool is_held(std::string_view file) const {
    if (index_.is_foreign_file(file)) return true;
    const auto holder = index_.file_named(file);
    return holder != kNone && stays_[holder];
  }

  void want_tunnel(const Tunnel& wanted, std::uint32_t own) {
    if (own != kNone && index_.tunnel(own).type == wanted.type) {
      fates_[own] = Fate::keep;
      wanted_by_[own] = &wanted;
      if (auto update = difference(wanted, index_.tunnel(own))) {
        if (update->listen_port) taken_ports_.push_back(*update->listen_port);
        if (update->gre) taken_ends_.push_back(*ends_of(update->gre));
        changes_.emplace_back(std::move(*update));
      }
      return;
    }
    const auto holder = own != kNone ? own : index_.tunnel_named(wanted.name);
    if (holder != kNone) fates_[holder] = Fate::remove_first;
    if (wanted.listen_port != 0) taken_ports_.push_back(wanted.listen_port);
    if (const auto ends = ends_of(wanted.gre)) taken_ends_.push_back(*ends);
    changes_.emplace_back(CreateTunnel{wanted});
  }

  // `protocol`: what BIRD runs when it has read the file; empty when that does not tell.
  void want_file(const model::BirdFile& wanted, std::string_view protocol, std::uint32_t own) {
    if (!index_.state().bird.reachable) return;
    const bool is_equal = own != kNone && (&index_.file(own) == &wanted || index_.file(own).text == wanted.text);
    const auto at = own != kNone ? own : index_.file_named(wanted.name);
    if (at != kNone) stays_[at] = true;  // as it is, or overwritten
    if (!is_equal) {
      plan_.bird.put.push_back(wanted);
    } else if (!protocol.empty() && !index_.runs_protocol(protocol)) {
      plan_.bird.reload = true;
    }
  }

  // BIRD forgets a `disable` when it reads its configuration (nest/proto.c, proto_reconfigure()): it is given again
  // then.
  void want_switch(const DesiredPeering& peering) {
    if (peering.protocol.empty() || peering.intent == Intent::absent) return;
    const model::SessionSwitches& wish = desired_.switches;
    const auto is_in = [&](const std::vector<std::string>& list) {
      return std::ranges::binary_search(list, peering.protocol);
    };
    const bool is_shut = is_in(index_.state().bird.shut_protocols);
    if (is_shut && (is_in(wish.shut) || is_in(wish.kept))) {
      if (plan_.bird.changes_files()) order(peering, SessionOrder::Kind::shut);
    } else if (peering.intent == Intent::present && is_in(is_shut ? wish.reopen : wish.shut)) {
      order(peering, is_shut ? SessionOrder::Kind::reopen : SessionOrder::Kind::shut);
    }
  }

  void order(const DesiredPeering& peering, SessionOrder::Kind kind) {
    plan_.bird.orders.push_back({peering.owner, peering.protocol, kind});
    if (kind == SessionOrder::Kind::shut) plan_.bird.message = desired_.switches.message;
  }

  // All of the policy or none of it.
  void want_policy() {
    const auto owned = index_.of(model::kPolicyOwner);
    bool is_blocked = false;
    if (desired_.policy) {
      for (const auto& file : *desired_.policy)
        is_blocked |= own_file(owned, file->name) == kNone && is_held(file->name);
    }
    if (is_blocked) plan_.blocked.emplace_back(model::kPolicyOwner);
    if (!desired_.policy || is_blocked) return leave_untouched(model::kPolicyOwner);
    for (const auto& file : *desired_.policy) want_file(*file, "", own_file(owned, file->name));
  }

  // Does another tunnel take over what only one can have, and this one has?
  bool is_taken_over(std::uint32_t i) const {
    const Tunnel& tunnel = index_.tunnel(i);
    const Tunnel* wanted = fates_[i] == Fate::keep ? wanted_by_[i] : nullptr;
    const std::uint16_t port = tunnel.listen_port;
    if (port != 0 && std::ranges::binary_search(taken_ports_, port) && (!wanted || wanted->listen_port != port))
      return true;
    const auto ends = ends_of(tunnel.gre);
    if (!ends || !std::ranges::binary_search(taken_ends_, *ends)) return false;
    return !wanted || !wanted->gre->remote || ends_of(wanted->gre) != ends;
  }

  void free_what_is_taken() {
    if (taken_ports_.empty() && taken_ends_.empty()) return;
    std::ranges::sort(taken_ports_);
    std::ranges::sort(taken_ends_);
    for (std::uint32_t i = 0; i < fates_.size(); ++i) {
      if (fates_[i] == Fate::untouched || !is_taken_over(i)) continue;
      if (fates_[i] == Fate::keep) make_anew(*wanted_by_[i]);
      fates_[i] = Fate::remove_first;
    }
  }

  void make_anew(const Tunnel& wanted) {
    std::erase_if(changes_, [&](const TunnelAction& action) { return link_name(action) == wanted.name; });
    changes_.emplace_back(CreateTunnel{wanted});
  }

  // Open for every tunnel that is wanted or stays.
  void want_firewall() {
    const FirewallState& observed = index_.state().firewall;
    if (!observed.problem.empty()) return;
    model::Firewall wanted;
    const auto let_in = [&](const Tunnel& tunnel) {
      if (tunnel.type == model::TunnelType::loopback) return;
      wanted.tunnel_interfaces.push_back(tunnel.name);
      if (tunnel.listen_port != 0) wanted.udp_ports.push_back(tunnel.listen_port);
      if (tunnel.gre && tunnel.gre->remote) wanted.gre_peers.push_back(*tunnel.gre->remote);
    };
    for (std::uint32_t i = 0; i < fates_.size(); ++i) {
      if (fates_[i] == Fate::keep || fates_[i] == Fate::untouched) let_in(index_.tunnel(i));
    }
    for (const DesiredPeering& peering : desired_.peerings) {
      if (peering.intent == Intent::present) let_in(*peering.tunnel);
    }
    sort_unique(wanted.gre_peers);
    sort_unique(wanted.udp_ports);
    sort_unique(wanted.tunnel_interfaces);
    if (observed.rules != wanted || !observed.intact) plan_.firewall = std::move(wanted);
  }

  Plan collect() {
    for (std::uint32_t i = 0; i < fates_.size(); ++i) {
      const Tunnel& tunnel = index_.tunnel(i);
      if (fates_[i] == Fate::remove_first) plan_.before_bird.emplace_back(RemoveTunnel{tunnel.name, tunnel.owner});
      if (fates_[i] == Fate::remove) plan_.after_bird.emplace_back(RemoveTunnel{tunnel.name, tunnel.owner});
    }
    std::ranges::sort(changes_, {}, [](const TunnelAction& action) { return link_name(action); });
    std::ranges::move(changes_, std::back_inserter(plan_.before_bird));
    const BirdState& bird = index_.state().bird;
    if (bird.reachable) {
      for (std::uint32_t i = 0; i < stays_.size(); ++i) {
        if (!stays_[i]) plan_.bird.remove.push_back(index_.file(i).name);
      }
      std::ranges::sort(plan_.bird.put, {}, &model::BirdFile::name);
      plan_.bird.reload |= bird.was_cut_off;
      plan_.bird.judge_again = bird.has_stale_verdicts;
      for (const DesiredPeering& peering : desired_.peerings) want_switch(peering);
    }
    return std::move(plan_);
  }

  const model::DesiredState& desired_;
  ObservedIndex index_;
  std::vector<Fate> fates_;
  std::vector<const Tunnel*> wanted_by_;
  std::vector<bool> stays_;
  std::vector<std::uint16_t> taken_ports_;
  std::vector<GreEnds> taken_ends_;
  std::vector<TunnelAction> changes_;
  Plan plan_;
};

}  // namespace

bool operator==(const BirdState& a, const BirdState& b) {
  const auto same_file = [](const auto& x, const auto& y) { return x == y || *x == *y; };
  return a.reachable == b.reachable && a.problem == b.problem && a.version == b.version &&
         std::ranges::equal(a.files, b.files, same_file) && a.foreign_files == b.foreign_files &&
         a.protocols == b.protocols && a.shut_protocols == b.shut_protocols &&
         a.silent_protocols == b.silent_protocols && a.babel_interfaces == b.babel_interfaces &&
         a.was_cut_off == b.was_cut_off && a.has_stale_verdicts == b.has_stale_verdicts;
}

std::size_t Plan::size() const { return (firewall ? 1 : 0) + before_bird.size() + bird.size() + after_bird.size(); }

std::string_view link_name(const TunnelAction& action) {
  if (const auto* create = std::get_if<CreateTunnel>(&action)) return create->tunnel.name;
  if (const auto* update = std::get_if<UpdateTunnel>(&action)) return update->name;
  return std::get<RemoveTunnel>(action).name;
}

const model::Owner& owner_of(const TunnelAction& action) {
  if (const auto* create = std::get_if<CreateTunnel>(&action)) return create->tunnel.owner;
  if (const auto* update = std::get_if<UpdateTunnel>(&action)) return update->owner;
  return std::get<RemoveTunnel>(action).owner;
}

Plan plan(const model::DesiredState& desired, const NodeState& observed) { return Planner(desired, observed).run(); }

bool is_in_place(const DesiredPeering& peering, const NodeState& observed) {
  return obstacle(peering, ObservedIndex(observed)).empty();
}

}  // namespace moenet::reconcile
