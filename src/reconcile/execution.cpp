#include "reconcile/execution.h"

#include <algorithm>
#include <cassert>
#include <variant>

#include <fmt/format.h>

#include "base/log.h"

namespace moenet::reconcile {

void Execution::note_failure(const model::Owner& owner, const std::string& cause) {
  failures_.try_emplace(owner, cause);
  ++failed_;
}

void Execution::apply(const std::vector<TunnelAction>& actions) {
  if (actions.empty() || stop_.stop_requested()) return;
  changed_ = true;
  const std::vector<Result<void>> results = node_.apply_tunnels(actions, deadline_, stop_);
  assert(results.size() == actions.size());
  for (std::size_t i = 0; i < actions.size(); ++i) {
    if (results[i]) {
      changes_[owner_of(actions[i])].push_back(describe(actions[i]));
      continue;
    }
    if (std::holds_alternative<RemoveTunnel>(actions[i])) stuck_links_.emplace(link_name(actions[i]));
    if (results[i].error().code != Errc::cancelled) note_failure(owner_of(actions[i]), results[i].error().what);
  }
}

void Execution::apply_firewall() {
  if (!plan_.firewall || stop_.stop_requested()) return;
  changed_ = true;
  const Result<void> done = node_.apply_firewall(*plan_.firewall, deadline_, stop_);
  if (done) {
    changes_["firewall"].push_back(describe(*plan_.firewall));
  } else if (done.error().code != Errc::cancelled) {
    firewall_error_ = done.error();
    ++failed_;
  }
}

void Execution::prepare_tunnels() {
  std::vector<TunnelAction> removals;
  std::vector<TunnelAction> others;
  for (const TunnelAction& action : plan_.before_bird) {
    (std::holds_alternative<RemoveTunnel>(action) ? removals : others).push_back(action);
  }
  apply(removals);
  std::erase_if(others, [&](const TunnelAction& action) {
    if (!stuck_links_.contains(std::string(link_name(action)))) return false;
    note_failure(owner_of(action),
                 fmt::format("interface {} is in the way and could not be removed", link_name(action)));
    return true;
  });
  apply(others);
}

const model::Owner* Execution::owner_of_file(const std::string& name) const {
  const auto& files = before_.bird.files;
  const auto at =
      std::ranges::lower_bound(files, name, {}, [](const auto& file) -> const std::string& { return file->name; });
  return at != files.end() && (*at)->name == name ? &(*at)->owner : nullptr;
}

BirdAction Execution::bird_action() const {
  BirdAction action = plan_.bird;
  if (failures_.empty()) return action;
  std::erase_if(action.put, [&](const model::BirdFile& file) { return failures_.contains(file.owner); });
  std::erase_if(action.remove, [&](const std::string& name) {
    const model::Owner* owner = owner_of_file(name);
    return owner != nullptr && failures_.contains(*owner);
  });
  // BIRD is not configured after all: it forgets nobody whom it holds down, and runs nobody anew.
  const BirdState& bird = before_.bird;
  const auto is_vain = [&](const SessionOrder& order) {
    if (!std::ranges::binary_search(bird.protocols, order.protocol)) return true;
    return order.kind == SessionOrder::Kind::shut && std::ranges::binary_search(bird.shut_protocols, order.protocol);
  };
  if (!action.changes_files()) std::erase_if(action.orders, is_vain);
  return action;
}

void Execution::hold_back(const BirdAction& action) {
  for (const model::BirdFile& file : action.put) held_in_bird_.insert(file.owner);
  for (const std::string& name : action.remove) {
    if (const model::Owner* owner = owner_of_file(name)) held_in_bird_.insert(*owner);
  }
}

void Execution::withhold_bird(const BirdAction& action) { hold_back(action); }

void Execution::apply_bird(const BirdAction& action) {
  assert(!action.empty());
  if (stop_.stop_requested()) return hold_back(action);
  changed_ = true;
  const Result<BirdResult> result = node_.apply_bird(action, deadline_, stop_);
  if (!result) {
    hold_back(action);
    if (result.error().code == Errc::cancelled) return;
    bird_error_ = result.error();
    failed_ += action.size();
    return;
  }
  for (const SessionOrder& order : action.orders) changes_[order.owner].push_back(describe(order));
  if (!action.changes_files()) return;
  configured_bird_ = result->configured;
  if (!result->configured) hold_back(action);
  note_refusals(action, *result);
  if (!result->configured) return;
  const auto is_refused = [&](const model::Owner& owner) {
    return refusals_.contains(owner) || (!policy_refusal_.empty() && owner == model::kPolicyOwner);
  };
  for (const model::BirdFile& file : action.put) {
    if (!is_refused(file.owner)) changes_[file.owner].push_back(fmt::format("~ {}  write BIRD file", file.name));
  }
  for (const std::string& name : action.remove) {
    const model::Owner* owner = owner_of_file(name);
    if (owner != nullptr && !is_refused(*owner))
      changes_[*owner].push_back(fmt::format("- {}  remove BIRD file", escape_for_log(name)));
  }
}

// BIRD may also refuse a file that this action did not bring, when what it builds on has changed.
void Execution::note_refusals(const BirdAction& action, const BirdResult& result) {
  policy_refusal_ = result.policy_refused;
  if (!policy_refusal_.empty()) ++failed_;
  for (const BirdRefusal& refusal : result.refused) {
    const auto put = std::ranges::find(action.put, refusal.file, &model::BirdFile::name);
    const model::Owner* owner = put != action.put.end() ? &put->owner : owner_of_file(refusal.file);
    if (owner == nullptr) continue;
    refusals_.try_emplace(*owner, refusal.message);
    ++failed_;
  }
}

std::vector<TunnelAction> Execution::removals_of_refused() const {
  std::map<std::string, model::Owner> links;
  const auto add = [&](const std::string& name, const model::Owner& owner) {
    if (refusals_.contains(owner)) links.emplace(name, owner);
  };
  for (const model::Tunnel& tunnel : before_.tunnels) add(tunnel.name, tunnel.owner);
  for (const TunnelAction& action : plan_.before_bird) {
    if (std::holds_alternative<RemoveTunnel>(action)) links.erase(std::string(link_name(action)));
  }
  for (const TunnelAction& action : plan_.before_bird) {
    if (const auto* create = std::get_if<CreateTunnel>(&action)) add(create->tunnel.name, create->tunnel.owner);
  }
  std::vector<TunnelAction> removals;
  for (const auto& [name, owner] : links) removals.emplace_back(RemoveTunnel{name, owner});
  return removals;
}

void Execution::remove_tunnels() {
  std::vector<TunnelAction> removals;
  if (!refusals_.empty()) removals = removals_of_refused();
  for (const TunnelAction& action : plan_.after_bird) {
    const model::Owner& owner = owner_of(action);
    if (failures_.contains(owner) || held_in_bird_.contains(owner) || refusals_.contains(owner)) continue;
    removals.push_back(action);
  }
  apply(removals);
}

}  // namespace moenet::reconcile
