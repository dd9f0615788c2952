// Node: the door to the machine. reconcile sees kernel and BIRD only through it; agent/linux_node is the real one,
// tests fake it.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/desired.h"
#include "model/route_counts.h"
#include "reconcile/plan.h"

namespace moenet::reconcile {

// What is ours says so: a link's ifalias and a BIRD file's first comment begin with this word, a space, and the owner.
// It is said to operators, who adopt a foreign link by writing it.
inline constexpr std::string_view kOwnershipMark = "moenet-agent";

class Node {
 public:
  virtual ~Node() = default;

  // All that is there now. Errors: unavailable, timeout, cancelled. That BIRD is away is no error: the state says so.
  virtual Result<NodeState> observe(Deadline deadline, const std::stop_token& stop) = 0;

  // Carries out tunnel actions, all at once where that saves time; result i is action i's. An action may have been done
  // in part when it fails: the next observe shows it.
  virtual std::vector<Result<void>> apply_tunnels(std::span<const TunnelAction> actions, Deadline deadline,
                                                  const std::stop_token& stop) = 0;

  // What is wanted, so that a file which is equal to it is in memory once. Changes nothing that can be seen.
  virtual void share(const std::vector<std::shared_ptr<const model::BirdFile>>& wanted) { static_cast<void>(wanted); }

  // Makes our table of the firewall let in just this. Errors: unavailable, timeout; the table is as it was.
  virtual Result<void> apply_firewall(const model::Firewall& firewall, Deadline deadline,
                                      const std::stop_token& stop) = 0;

  // Carries out the BIRD action: its files as one transaction, then its orders.
  virtual Result<BirdResult> apply_bird(const BirdAction& action, Deadline deadline, const std::stop_token& stop) = 0;

  // The routes of all BGP sessions with other networks. Dear with thousands of them: for when it is of interest.
  virtual Result<std::vector<model::RouteCounts>> count_routes(Deadline deadline, const std::stop_token& stop) = 0;
};

}  // namespace moenet::reconcile
