// LinuxNode: the real Node: links by rtnetlink, WireGuard by its backend, BIRD by its control socket and peer folder.
// It translates between the domain's words and the adapters', and decides nothing.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/config.h"
#include "bird/client.h"
#include "bird/peer_folder.h"
#include "bird/transaction.h"
#include "net/link.h"
#include "net/netlink.h"
#include "net/wireguard.h"
#include "reconcile/node.h"

namespace moenet::agent {

// Not thread-safe: the reconciler's alone.
class LinuxNode : public reconcile::Node {
 public:
  // Errors: denied (no CAP_NET_ADMIN shows later, at the first change), unavailable (no netlink), invalid (no WireGuard
  // to be had).
  static Result<std::unique_ptr<LinuxNode>> open(const AgentConfig& config);
  ~LinuxNode() override;

  Result<reconcile::NodeState> observe(Deadline deadline, const std::stop_token& stop) override;
  std::vector<Result<void>> apply_tunnels(std::span<const reconcile::TunnelAction> actions, Deadline deadline,
                                          const std::stop_token& stop) override;
  Result<reconcile::BirdResult> apply_bird(const reconcile::BirdAction& action, Deadline deadline,
                                           const std::stop_token& stop) override;

  // "kernel" or "userspace": what new tunnels are made with.
  std::string_view backend_name() const;

 private:
  LinuxNode(const BirdSettings& bird, net::NetlinkSocket netlink);

  net::WireGuard* backend_of(std::string_view link_kind) const;
  Result<std::vector<model::Tunnel>> observe_tunnels(reconcile::NodeState& state, Deadline deadline);
  reconcile::BirdState observe_bird(Deadline deadline, const std::stop_token& stop);
  void create_all(std::span<const reconcile::TunnelAction> actions, std::vector<Result<void>>& results,
                  Deadline deadline);
  Result<void> finish_created(const model::Tunnel& tunnel, Deadline deadline);
  Result<void> update(const reconcile::UpdateTunnel& action, Deadline deadline);
  Result<void> remove(const reconcile::RemoveTunnel& action, Deadline deadline);

  net::NetlinkSocket netlink_;
  std::unique_ptr<net::WireGuard> kernel_;  // null where the kernel has none
  std::unique_ptr<net::WireGuard> userspace_;
  net::WireGuard* maker_ = nullptr;  // makes new tunnels
  bird::BirdPool pool_;
  bird::PeerFolder folder_;
  bird::BirdTransaction transaction_;
  // With bird.ownership "full": where bird.conf is and what it must say.
  std::string base_config_path_;
  std::optional<std::string> base_config_text_;
};

}  // namespace moenet::agent
