#include "reconcile/deletion_guard.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

namespace moenet::reconcile {

// Below this many a node is small enough that its operator may well have removed them all (chosen; the issue threads of
// such systems report losses of whole lists, never of four rows).
constexpr std::size_t kFewestHeld = 5;

std::vector<model::SessionId> distinct(std::vector<model::SessionId> sessions) {
  std::ranges::sort(sessions);
  const auto repeated = std::ranges::unique(sessions);
  sessions.erase(repeated.begin(), repeated.end());
  return sessions;
}

std::vector<model::SessionId> sessions_in(const NodeState& node) {
  std::vector<model::SessionId> sessions;
  const auto add = [&](const model::Owner& owner) {
    if (const auto uuid = model::session_of(owner); !uuid.empty()) sessions.emplace_back(uuid);
  };
  for (const auto& tunnel : node.tunnels) add(tunnel.owner);
  for (const auto& file : node.bird.files) add(file->owner);
  return distinct(std::move(sessions));
}

std::vector<model::NodeId> neighbors_in(const NodeState& node) {
  std::set<model::NodeId> neighbors;
  for (const auto& tunnel : node.tunnels) {
    if (const auto neighbor = model::mesh_node_of(tunnel.owner)) neighbors.insert(*neighbor);
  }
  return {neighbors.begin(), neighbors.end()};
}

DeletionGuard::Verdict DeletionGuard::judge(std::span<const model::SessionId> configured,
                                            std::span<const model::SessionId> listed) {
  Verdict verdict;
  std::ranges::set_difference(configured, listed, std::back_inserter(verdict.vanished));
  const bool allowed = std::exchange(allowed_, false);
  if (verdict.vanished.empty()) {
    seen_ = 0;
  } else {
    seen_ = verdict.vanished == last_ ? seen_ + 1 : 1;
  }
  last_ = verdict.vanished;
  verdict.seen = seen_;
  const bool is_mass = verdict.vanished.size() >= kFewestHeld && verdict.vanished.size() * 2 > configured.size();
  const bool is_let_go = std::ranges::includes(let_go_, verdict.vanished);
  verdict.holds = is_mass && !allowed && !is_let_go && seen_ < verdict.needed;
  let_go_ = verdict.holds ? std::vector<model::SessionId>() : verdict.vanished;
  return verdict;
}

}  // namespace moenet::reconcile
