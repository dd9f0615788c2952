#include "agent/node_links.h"

#include <algorithm>

#include <fmt/format.h>

#include "agent/tunnel_words.h"
#include "base/log.h"
#include "base/thread_cpu.h"

namespace moenet::agent {
namespace {

using model::Tunnel;
using reconcile::CreateTunnel;
using reconcile::RemoveTunnel;
using reconcile::TunnelAction;
using reconcile::UpdateTunnel;

// A link with our mark that is neither a WireGuard device nor like a GRE link of ours belongs to nobody: the planner
// makes it anew.
const model::Owner kNobody = "nobody";

// Links are listed again at least this often, should an event ever be lost (chosen).
constexpr std::chrono::minutes kTrustEvents{10};
// To ask a daemon costs 60 us of our CPU, the kernel 10 (measured): so many devices are read at each look whatever it
// costs, and more of them, longest unread first, for so long.
constexpr std::size_t kDevicesPerLook = 128;
constexpr std::chrono::milliseconds kDevicesCpuPerLook{10};

// One daemon that hangs must not hold up the others, nor a stop: how long each call may take. An idle daemon answers
// within 1 ms, one of 50 that start together within 100 ms (measured on 2 cores).
constexpr std::chrono::seconds kReadWithin{1};
constexpr std::chrono::seconds kChangeWithin{5};
constexpr std::chrono::seconds kCreateWithin{15};
constexpr std::size_t kCreatedAtOnce = 100;
constexpr std::chrono::seconds kAskUnreadableAgain{30};

// Has a peer been silent for so long that its endpoint may be rewritten? What is remembered of it may be outdated: it
// is never decided upon.
bool has_silent_peer(const net::WgDevice& device, const HandshakeClock& handshakes, SteadyTime now) {
  return std::ranges::any_of(device.peers, [&](const net::WgPeer& peer) {
    const auto age = handshakes.age(peer.public_key, now);
    return !age || *age >= reconcile::kStaleHandshake;
  });
}

// Kinds of link that may carry the loopback, best first; none when that is `lo`. dummy is what they are for; a kernel
// without it (as small ones are) has ifb or bridge, which hold addresses as well.
std::vector<std::string_view> kinds_of(LoopbackKind kind) {
  switch (kind) {
    case LoopbackKind::automatic:
    case LoopbackKind::none: return {"dummy", "ifb", "bridge"};
    case LoopbackKind::dummy: return {"dummy"};
    case LoopbackKind::ifb: return {"ifb"};
    case LoopbackKind::bridge: return {"bridge"};
    case LoopbackKind::lo: break;
  }
  return {};
}

// The kernel's "File exists" of a name that is free.
Error with_gre_words(const Error& error) {
  if (error.code != Errc::conflict) return error;
  return {error.code, error.what + ": a link that is not ours has this remote and key (`ip -d link`)"};
}

Result<net::WireGuard*> choose_maker(WireGuardBackend wanted, const Result<std::unique_ptr<net::WireGuard>>& kernel,
                                     net::WireGuard* userspace) {
  switch (wanted) {
    case WireGuardBackend::kernel:
      if (!kernel) return std::unexpected(with_context(kernel.error(), "wireguard.backend is \"kernel\""));
      return kernel->get();
    case WireGuardBackend::userspace: return userspace;
    case WireGuardBackend::automatic: return kernel ? kernel->get() : userspace;
  }
  return userspace;
}

}  // namespace

NodeLinks::NodeLinks(net::NetlinkSocket netlink, net::LinkWatch watch)
    : netlink_(std::move(netlink)), watch_(std::move(watch)) {}

Result<NodeLinks> NodeLinks::open(const AgentConfig& config) {
  TRY(auto netlink, net::NetlinkSocket::open(net::NetlinkFamily::route));
  TRY(auto watch, net::LinkWatch::open());
  NodeLinks links(std::move(netlink), std::move(watch));
  auto kernel = net::open_kernel_wireguard();
  net::UserspaceWireGuard userspace;
  userspace.program = config.wireguard.userspace_program;
  links.userspace_ = net::open_userspace_wireguard(std::move(userspace));
  TRY(links.maker_, choose_maker(config.wireguard.backend, kernel, links.userspace_.get()));
  // That it has none is an answer; any other fault must not make its tunnels look like nobody's.
  if (!kernel && kernel.error().code != Errc::invalid) return std::unexpected(kernel.error());
  if (kernel) links.kernel_ = std::move(*kernel);
  links.loopback_kinds_ = kinds_of(config.loopback.kind);
  for (const auto& address : {config.node.ipv4, config.node.ipv6}) {
    if (address) links.own_addresses_.push_back(*address);
  }
  return links;
}

std::string_view NodeLinks::backend_name() const { return maker_ == userspace_.get() ? "userspace" : "kernel"; }

net::WireGuard* NodeLinks::backend_of(std::string_view link_kind) const {
  if (kernel_ && link_kind == kernel_->link_kind()) return kernel_.get();
  return link_kind == userspace_->link_kind() ? userspace_.get() : nullptr;
}

// Events are taken before the list is read: what changes in between is seen twice, never missed.
Result<void> NodeLinks::look_at_links(Deadline deadline) {
  const auto now = steady_now();
  TRY(const bool changed, watch_.wait(Deadline(now), {}));
  if (!changed && links_listed_at_ && now - *links_listed_at_ < kTrustEvents) return {};
  links_listed_at_.reset();
  TRY(auto links, net::list_links(netlink_, deadline));
  std::ranges::sort(links, {}, &net::Link::name);
  std::vector<Seen> before = std::exchange(seen_, {});
  seen_.reserve(links.size());
  foreign_links_.clear();
  on_lo_.clear();
  for (net::Link& link : links) {
    if (link.name == kLo) {
      take_lo(link);
      continue;
    }
    auto mark = read_mark(link.alias);
    if (!mark) {
      foreign_links_.push_back(std::move(link.name));
      continue;
    }
    link.alias = std::string();  // with its memory: the mark says all of it that counts
    const auto known = std::ranges::lower_bound(before, link.name, {},
                                                [](const Seen& seen) -> const std::string& { return seen.link.name; });
    Seen seen;
    if (known != before.end() && known->link == link && known->mark == *mark) {
      seen = std::move(*known);
    } else {
      if (known != before.end() && known->link.name == link.name) seen.handshakes = known->handshakes;
      seen.link = std::move(link);
      seen.mark = std::move(*mark);
    }
    seen_.push_back(std::move(seen));
  }
  links_listed_at_ = now;
  return {};
}

void NodeLinks::read_device(Seen& seen, Deadline deadline) {
  seen.device.reset();
  seen.unreadable = {};
  net::WireGuard* backend = backend_of(seen.link.kind);
  auto device = backend != nullptr ? backend->get(seen.link.name, deadline.or_sooner(kReadWithin))
                                   : Result<net::WgDevice>(fail(Errc::not_found, "link is no WireGuard device"));
  seen.read_at = steady_now();
  if (device) {
    seen.handshakes.look(device->peers, wall_now(), seen.read_at);
    seen.device = std::move(*device);
  } else if (device.error().code == Errc::not_found) {
    log::warning("a link with our mark is no WireGuard device",
                 {{"link", seen.link.name}, {"error", device.error().what}});
  } else {
    seen.unreadable = device.error().what;
    log::warning("a WireGuard device cannot be read", {{"link", seen.link.name}, {"error", seen.unreadable}});
  }
}

// Read are: devices never read, those whose link changed or that we changed, those with a silent peer, and then the
// longest unread as far as the bounds above allow. Up to kDevicesPerLook all are read each time. One that could not be
// read is left alone for a while, because to ask it may cost a second.
Result<void> NodeLinks::look_at_devices(Deadline deadline, const std::stop_token& stop) {
  const auto now = steady_now();
  std::vector<std::pair<SteadyTime, std::uint32_t>> others;
  others.reserve(seen_.size());
  for (std::uint32_t i = 0; i < seen_.size(); ++i) {
    Seen& seen = seen_[i];
    if (stop.stop_requested()) return fail(Errc::cancelled, "look at WireGuard devices: stopped");
    if (is_loopback(seen.mark) || seen.link.gre) continue;
    if (!seen.unreadable.empty() && now - seen.read_at < kAskUnreadableAgain) continue;
    if (!seen.device || has_silent_peer(*seen.device, seen.handshakes, now)) {
      read_device(seen, deadline);
    } else {
      others.emplace_back(seen.read_at, i);
    }
  }
  std::ranges::sort(others);
  const auto cpu_before = thread_cpu();
  for (std::size_t n = 0; n < others.size() && !stop.stop_requested(); ++n) {
    if (n >= kDevicesPerLook && thread_cpu() - cpu_before >= kDevicesCpuPerLook) break;
    read_device(seen_[others[n].second], deadline);
  }
  return {};
}

Result<std::vector<Tunnel>> NodeLinks::observe(Deadline deadline, const std::stop_token& stop) {
  TRY_VOID(look_at_links(deadline));
  TRY_VOID(look_at_devices(deadline, stop));
  std::vector<Tunnel> tunnels;
  tunnels.reserve(seen_.size() + 1);
  const auto now = steady_now();
  for (const Seen& seen : seen_) {
    Tunnel& tunnel = tunnels.emplace_back(tunnel_of(seen.link, seen.mark));
    if (tunnel.type == model::TunnelType::loopback || tunnel.gre) continue;
    tunnel.unreadable = seen.unreadable;
    if (!seen.device) {
      if (seen.unreadable.empty()) tunnel.owner = kNobody;
      continue;
    }
    tunnel.private_key = seen.device->private_key;
    tunnel.listen_port = seen.device->listen_port;
    tunnel.peers.reserve(seen.device->peers.size());
    for (const auto& peer : seen.device->peers) tunnel.peers.push_back(peer_of(peer, seen.handshakes, now));
  }
  if (!on_lo_.empty()) {
    const auto at = std::ranges::lower_bound(tunnels, kLo, {}, &Tunnel::name);
    tunnels.insert(at, loopback_on_lo(on_lo_));
  }
  return tunnels;
}

Result<void> NodeLinks::finish_created(const Tunnel& tunnel, Deadline deadline) {
  net::WgChange device;
  device.private_key = tunnel.private_key;
  if (tunnel.listen_port != 0) device.listen_port = tunnel.listen_port;
  device.replace_peers = true;
  for (const auto& peer : tunnel.peers) device.peers.push_back(change_of(peer));
  TRY_VOID(maker_->set(tunnel.name, device, deadline));

  TRY(const int index, net::index_of(netlink_, tunnel.name, deadline));
  return net::change_link(netlink_, index, tunnel.name, first_change(tunnel), deadline);
}

Result<void> NodeLinks::create_gre(const Tunnel& wanted, Deadline deadline) {
  const std::string mark = write_mark({wanted.owner, wanted.configured_endpoint});
  const auto index = net::create_link(netlink_, wanted.name, model::name_of(wanted.type), mark, deadline, wanted.gre);
  if (!index) return std::unexpected(with_gre_words(index.error()));
  return net::change_link(netlink_, *index, wanted.name, first_change(wanted), deadline);
}

// The link of the first kind that this kernel has.
Result<void> NodeLinks::create_loopback(const Tunnel& wanted, Deadline deadline) {
  if (wanted.name == kLo) {
    net::LinkChange change;
    change.add_addresses = link_addresses(wanted.addresses);
    change.up = true;
    TRY(const int index, net::index_of(netlink_, kLo, deadline));
    return net::change_link(netlink_, index, kLo, change, deadline);
  }
  Result<int> index = fail(Errc::invalid, "no kind of link is configured for the loopback");
  for (const std::string_view kind : loopback_kinds_) {
    index = net::create_link(netlink_, wanted.name, kind, write_mark({wanted.owner, ""}), deadline);
    if (index || index.error().code != Errc::invalid) break;
  }
  if (!index) return std::unexpected(index.error());
  return net::change_link(netlink_, *index, wanted.name, first_change(wanted), deadline);
}

void NodeLinks::take_lo(const net::Link& lo) {
  const bool carries_loopback = loopback_kinds_.empty();
  if (!carries_loopback) foreign_links_.push_back(lo.name);
  for (const auto& address : lo.addresses) {
    const bool is_wanted =
        carries_loopback && std::ranges::find(own_addresses_, address.local.address) != own_addresses_.end();
    if (address.is_ours || is_wanted) on_lo_.push_back(address);
  }
}

Result<void> NodeLinks::remove_from_lo(Deadline deadline) {
  net::LinkChange change;
  std::ranges::copy_if(on_lo_, std::back_inserter(change.remove_addresses), &net::LinkAddress::is_ours);
  TRY(const int index, net::index_of(netlink_, kLo, deadline));
  return net::change_link(netlink_, index, kLo, change, deadline);
}

Result<void> NodeLinks::remove(const RemoveTunnel& action, Deadline deadline) {
  if (action.name == kLo) return remove_from_lo(deadline);
  auto link = net::find_link(netlink_, action.name, deadline);
  if (!link) return link.error().code == Errc::not_found ? Result<void>{} : std::unexpected(link.error());
  if (!read_mark(link->alias)) return fail(Errc::conflict, fmt::format("link {} is not ours any more", action.name));
  net::WireGuard* backend = backend_of(link->kind);
  auto removed = backend != nullptr ? backend->remove(action.name, deadline)
                                    : net::delete_link(netlink_, link->index, action.name, deadline);
  if (!removed && removed.error().code == Errc::not_found) return {};
  return removed;
}

// Devices start together: a userspace daemon takes 40 ms to come up, and 100 of them not much longer.
void NodeLinks::create_all(std::span<const TunnelAction> actions, std::vector<Result<void>>& results, Deadline deadline,
                           const std::stop_token& stop) {
  std::vector<net::WireGuard::NewDevice> devices;
  std::vector<std::size_t> positions;
  const auto create = [&] {
    if (devices.empty() || stop.stop_requested()) return;
    const Deadline limit = deadline.or_sooner(kCreateWithin);
    auto created = maker_->create(devices, limit);
    for (std::size_t n = 0; n < positions.size(); ++n) {
      const Tunnel& tunnel = std::get<CreateTunnel>(actions[positions[n]]).tunnel;
      results[positions[n]] = created[n] ? finish_created(tunnel, limit) : std::move(created[n]);
    }
    devices.clear();
    positions.clear();
  };
  for (std::size_t i = 0; i < actions.size(); ++i) {
    const auto* wanted = std::get_if<CreateTunnel>(&actions[i]);
    if (wanted == nullptr) continue;
    if (wanted->tunnel.type == model::TunnelType::loopback) {
      results[i] = create_loopback(wanted->tunnel, deadline.or_sooner(kChangeWithin));
      continue;
    }
    if (wanted->tunnel.gre) {
      results[i] = create_gre(wanted->tunnel, deadline.or_sooner(kChangeWithin));
      continue;
    }
    if (auto free = net::check_udp_port_free(wanted->tunnel.listen_port); !free) {
      results[i] = std::move(free);
      continue;
    }
    devices.push_back({wanted->tunnel.name, write_mark({wanted->tunnel.owner, wanted->tunnel.configured_endpoint})});
    positions.push_back(i);
    if (devices.size() == kCreatedAtOnce) create();
  }
  create();
}

Result<void> NodeLinks::update(const UpdateTunnel& action, Deadline deadline) {
  TRY(const net::Link link, net::find_link(netlink_, action.name, deadline));
  const net::WgChange device = change_of(action);
  if (!is_empty(device)) {
    net::WireGuard* backend = backend_of(link.kind);
    if (backend == nullptr) return fail(Errc::conflict, fmt::format("link {} is no WireGuard device", action.name));
    if (action.listen_port) TRY_VOID(net::check_udp_port_free(*action.listen_port));
    TRY_VOID(backend->set(action.name, device, deadline));
  }
  net::LinkChange change;
  if (action.configured_endpoint) change.alias = write_mark({action.owner, *action.configured_endpoint});
  change.gre = action.gre;
  change.mtu_bytes = action.mtu_bytes;
  if (action.gre && !action.mtu_bytes) change.mtu_bytes = link.mtu_bytes;  // a change of the key would move it
  change.add_addresses = link_addresses(action.add_addresses);
  change.remove_addresses = link_addresses(action.remove_addresses);
  if (action.set_up) change.up = true;
  auto changed = net::change_link(netlink_, link.index, action.name, change, deadline);
  if (!changed && action.gre) return std::unexpected(with_gre_words(changed.error()));
  return changed;
}

std::vector<Result<void>> NodeLinks::apply(std::span<const TunnelAction> actions, Deadline deadline,
                                           const std::stop_token& stop) {
  std::vector<Result<void>> results(actions.size(), fail(Errc::cancelled, "stopped before this change"));
  links_listed_at_.reset();  // IPv6 addresses are announced late (addrconf_dad_work() in net/ipv6/addrconf.c)
  for (const TunnelAction& action : actions) {
    const auto changed = std::ranges::find(seen_, link_name(action),
                                           [](const Seen& seen) -> std::string_view { return seen.link.name; });
    if (changed == seen_.end()) continue;
    changed->device.reset();
    changed->unreadable = {};
  }
  for (std::size_t i = 0; i < actions.size() && !stop.stop_requested();
       ++i) {  // removals free names and ports for what follows
    if (const auto* action = std::get_if<RemoveTunnel>(&actions[i]))
      results[i] = remove(*action, deadline.or_sooner(kChangeWithin));
  }
  for (std::size_t i = 0; i < actions.size() && !stop.stop_requested(); ++i) {
    if (const auto* action = std::get_if<UpdateTunnel>(&actions[i]))
      results[i] = update(*action, deadline.or_sooner(kChangeWithin));
  }
  if (!stop.stop_requested()) create_all(actions, results, deadline, stop);
  return results;
}

}  // namespace moenet::agent
