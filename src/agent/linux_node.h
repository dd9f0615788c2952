// LinuxNode: the real Node: links by node_links.h, BIRD by its control socket and peer folder, the firewall by
// nftables. It translates between the domain's words and the adapters', and decides nothing.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/config.h"
#include "agent/node_links.h"
#include "bird/client.h"
#include "bird/peer_folder.h"
#include "bird/roa_state.h"
#include "bird/transaction.h"
#include "net/nftables.h"
#include "reconcile/node.h"

namespace moenet::agent {

// Not thread-safe: the reconciler's alone.
class LinuxNode : public reconcile::Node {
 public:
  // Errors: those of NodeLinks::open.
  static Result<std::unique_ptr<LinuxNode>> open(const AgentConfig& config);
  ~LinuxNode() override;

  Result<reconcile::NodeState> observe(Deadline deadline, const std::stop_token& stop) override;
  std::vector<Result<void>> apply_tunnels(std::span<const reconcile::TunnelAction> actions, Deadline deadline,
                                          const std::stop_token& stop) override {
    return links_.apply(actions, deadline, stop);
  }
  void share(const std::vector<std::shared_ptr<const model::BirdFile>>& wanted) override { folder_.share(wanted); }
  Result<void> apply_firewall(const model::Firewall& firewall, Deadline deadline, const std::stop_token& stop) override;
  Result<reconcile::BirdResult> apply_bird(const reconcile::BirdAction& action, Deadline deadline,
                                           const std::stop_token& stop) override;

  Result<std::vector<model::RouteCounts>> count_routes(Deadline deadline, const std::stop_token& stop) override;

  // "kernel" or "userspace": what new tunnels are made with.
  std::string_view backend_name() const { return links_.backend_name(); }
  // Thread-safe.
  bird::TransactionCounters bird_counters() const { return transaction_.counters(); }

 private:
  LinuxNode(const AgentConfig& config, NodeLinks links);

  Result<void> give_orders(const reconcile::BirdAction& action, Deadline deadline, const std::stop_token& stop);
  reconcile::BirdState observe_bird(Deadline deadline, const std::stop_token& stop);
  reconcile::FirewallState observe_firewall(Deadline deadline);
  bool has_stale_verdicts(Deadline deadline, const std::stop_token& stop);
  Result<reconcile::BirdResult> change_files(const reconcile::BirdAction& action, Deadline deadline,
                                             const std::stop_token& stop);

  NodeLinks links_;
  bird::BirdPool pool_;
  bird::PeerFolder folder_;
  bird::BirdTransaction transaction_;
  bird::FilterMemory filter_memory_;
  bool has_mesh_ = false;  // Babel's neighbors are of interest
  bool has_firewall_ = false;
  std::optional<net::Ruleset> ruleset_;  // with has_firewall_, once it could be opened
  // With bird.ownership "full": where bird.conf is and what it must say, once there is a policy that it can include.
  std::string base_config_path_;
  std::optional<std::string> base_config_text_;
};

}  // namespace moenet::agent
