// NodeLinks: the links of ours on this node, by rtnetlink, with their WireGuard side by its backend: tunnels of
// WireGuard and GRE, and the loopback. It asks and tells the adapters (in their words: tunnel_words.h), and decides
// nothing.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/config.h"
#include "agent/handshake_clock.h"
#include "agent/ownership_mark.h"
#include "net/link.h"
#include "net/netlink.h"
#include "net/wireguard.h"
#include "reconcile/plan.h"

namespace moenet::agent {

// Not thread-safe: the reconciler's alone.
class NodeLinks {
 public:
  // Errors: denied (no CAP_NET_ADMIN shows later, at the first change), unavailable (no netlink), invalid (no WireGuard
  // to be had).
  static Result<NodeLinks> open(const AgentConfig& config);

  // Ours, sorted by name. Errors: unavailable, timeout, cancelled.
  Result<std::vector<model::Tunnel>> observe(Deadline deadline, const std::stop_token& stop);
  // Names of the others, as of the last observe, sorted.
  const std::vector<std::string>& foreign() const { return foreign_links_; }
  // As reconcile::Node::apply_tunnels.
  std::vector<Result<void>> apply(std::span<const reconcile::TunnelAction> actions, Deadline deadline,
                                  const std::stop_token& stop);

  // "kernel" or "userspace": what new tunnels are made with.
  std::string_view backend_name() const;

 private:
  // A link with our mark, and its WireGuard device as it was read last.
  struct Seen {
    net::Link link;
    OwnershipMark mark;                   // as the link's alias says, which is left out of `link`
    std::optional<net::WgDevice> device;  // absent: never read, changed by us since, or no device
    HandshakeClock handshakes;
    SteadyTime read_at{};
    SharedText unreadable;  // why the last reading failed, else empty
  };

  NodeLinks(net::NetlinkSocket netlink, net::LinkWatch watch);

  net::WireGuard* backend_of(std::string_view link_kind) const;
  Result<void> look_at_links(Deadline deadline);
  Result<void> look_at_devices(Deadline deadline, const std::stop_token& stop);
  void read_device(Seen& seen, Deadline deadline);
  void create_all(std::span<const reconcile::TunnelAction> actions, std::vector<Result<void>>& results,
                  Deadline deadline, const std::stop_token& stop);
  Result<void> finish_created(const model::Tunnel& tunnel, Deadline deadline);
  Result<void> create_loopback(const model::Tunnel& wanted, Deadline deadline);
  Result<void> create_gre(const model::Tunnel& wanted, Deadline deadline);
  void take_lo(const net::Link& lo);
  Result<void> remove_from_lo(Deadline deadline);
  Result<void> update(const reconcile::UpdateTunnel& action, Deadline deadline);
  Result<void> remove(const reconcile::RemoveTunnel& action, Deadline deadline);

  net::NetlinkSocket netlink_;
  std::unique_ptr<net::WireGuard> kernel_;  // null where the kernel has none
  std::unique_ptr<net::WireGuard> userspace_;
  net::WireGuard* maker_ = nullptr;  // makes new tunnels
  // What the last look saw. Links are listed again when the kernel told of a change, when we made one, and every so
  // often. Devices tell of nothing: of many, some are read again at each look (see look_at_devices()).
  net::LinkWatch watch_;
  std::vector<Seen> seen_;                        // sorted by name
  std::vector<std::string> foreign_links_;        // sorted
  std::optional<SteadyTime> links_listed_at_;     // absent: they are to be listed again
  std::vector<std::string_view> loopback_kinds_;  // to try for the loopback, in order; none: it is `lo` itself
  std::vector<IpAddress> own_addresses_;          // which are ours on `lo` whoever put them there
  std::vector<net::LinkAddress> on_lo_;           // ours there
};

}  // namespace moenet::agent
