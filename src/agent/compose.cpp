#include "agent/compose.h"

#include <algorithm>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "agent/ownership_mark.h"
#include "bird/policy.h"
#include "net/source_address.h"

namespace moenet::agent {
namespace {

using model::Broken;
using model::DesiredPeering;
using model::Intent;
using model::Invalid;
using model::Session;
using model::SessionRow;
using model::SessionStatus;

// What cannot be set up but may be running from before: that stays, and the session says why it is not what was asked
// for.
DesiredPeering broken(DesiredPeering peering, std::string cause) {
  peering.intent = Intent::untouched;
  peering.verdict = Broken{std::move(cause)};
  return peering;
}

// A row that is no session. Freshly queued it is torn down; a row that was fine before keeps what runs (the reconciler
// turns that verdict into Broken when it finds something running).
DesiredPeering invalid(DesiredPeering peering, const SessionRow& row) {
  const bool queued = row.status == static_cast<int>(SessionStatus::queued_for_setup);
  peering.intent = queued ? Intent::absent : Intent::untouched;
  peering.verdict = Invalid{row.session.error().text()};
  return peering;
}

model::Tunnel tunnel_of(const model::Owner& owner, const Session& session, const model::Peering& peering,
                        const NodeContext& node, Destination destination, std::uint32_t most_mtu_bytes) {
  model::Tunnel tunnel;
  tunnel.name = session.interface_name;
  tunnel.owner = owner;
  tunnel.type = session.type;
  tunnel.mtu_bytes = limited_mtu(session.mtu_bytes, most_mtu_bytes);
  tunnel.addresses = peering.addresses;
  tunnel.configured_endpoint = SharedText(destination.configured);
  if (model::gre_family(session.type)) {
    GreHeader& gre = tunnel.gre.emplace();
    if (destination.endpoint) gre.remote = destination.endpoint->address;
    gre.local = destination.source;
    gre.key = session.gre_key;
    return tunnel;
  }
  tunnel.private_key = node.private_key;
  tunnel.listen_port = session.listen_port;
  model::TunnelPeer peer;
  peer.public_key = session.public_key;
  peer.preshared_key = session.preshared_key;
  peer.endpoint = destination.endpoint;
  peer.keepalive = node.keepalive;
  peer.allowed_ips = everything();
  tunnel.peers.push_back(std::move(peer));
  return tunnel;
}

// The crypto community of a link (DN42 wiki): WireGuard is safe with forward secrecy, and safer with a preshared key;
// GRE encrypts nothing.
bird::LinkTags tags_of(const Session& session, const MeasuredLink& measured) {
  bird::LinkTags tags;
  tags.latency_tier = measured.latency_tier;
  tags.bandwidth_mbit = session.bandwidth_mbit.value_or(0);
  tags.crypto = model::gre_family(session.type) ? 31 : session.preshared_key ? 35 : 34;
  tags.loss_class = measured.loss_class;
  return tags;
}

// ip6gre has to be told our address: without one the kernel sends nothing (ip6_tnl_xmit_ctl() in
// net/ipv6/ip6_tunnel.c), where of IPv4 it takes the route's for each packet.
Destination way_of(const Session& session, const NodeContext& node, const Lookup& lookup) {
  Destination destination = destination_of(session.endpoint, lookup, model::gre_family(session.type));
  if (session.type != model::TunnelType::ip6gre || !destination.endpoint) return destination;
  const IpAddress remote = destination.endpoint->address;
  destination.source = node.source_towards ? node.source_towards(remote) : std::nullopt;
  if (destination.source) return destination;
  return {
      {}, "", fmt::format("endpoint {}: no address of this node leads to {}", session.endpoint->text(), remote.text())};
}

DesiredPeering compose_row(const SessionRow& row, const NodeContext& node, const Lookup& lookup,
                           const MeasuredLink& measured) {
  DesiredPeering desired;
  desired.owner = model::owner_of_session(row.uuid);
  desired.asn = row.asn.value_or(0);
  desired.protocol = bird::protocol_name(desired.asn);
  desired.intent = model::intent_of(row.status);
  if (desired.intent != Intent::present) return desired;
  if (!row.session) return invalid(std::move(desired), row);

  const Session& session = *row.session;
  auto peering = model::peering_of(session, node.identity);
  if (!peering) return broken(std::move(desired), peering.error().text());
  Destination destination = way_of(session, node, lookup);
  desired.endpoint_problem = destination.problem;
  desired.has_named_endpoint = session.endpoint && !session.endpoint->address();
  desired.awaits_endpoint = destination.is_awaited;
  const bird::LinkTags tags = tags_of(session, measured);
  auto file = bird::render_peer(session, *peering, node.names, node.owns_bird ? &tags : nullptr, node.says_source);
  if (!file) return broken(std::move(desired), file.error().what);
  desired.tunnel = std::make_shared<const model::Tunnel>(
      tunnel_of(desired.owner, session, *peering, node, std::move(destination), measured.most_mtu_bytes));
  file->owner = desired.owner;  // an equal one; its memory is shared
  desired.bird_file = std::make_shared<const model::BirdFile>(std::move(*file));
  return desired;
}

// May it lead elsewhere although its row stays?
bool is_movable(const SessionRow& row) {
  if (!row.session || !row.session->endpoint) return false;
  return !row.session->endpoint->address() || row.session->type == model::TunnelType::ip6gre;
}

// Does its endpoint still lead where it did when `peering` was made of the row?
bool leads_where_it_did(const DesiredPeering& peering, const SessionRow& row, const NodeContext& node,
                        const Lookup& lookup) {
  if (!peering.tunnel) return true;
  const Destination now = way_of(*row.session, node, lookup);
  const model::Tunnel& tunnel = *peering.tunnel;
  const auto remote = now.endpoint ? std::optional(now.endpoint->address) : std::nullopt;
  const bool is_same = tunnel.gre ? tunnel.gre->remote == remote && tunnel.gre->local == now.source
                                  : tunnel.peers.front().endpoint == now.endpoint;
  return is_same && now.problem == peering.endpoint_problem && now.is_awaited == peering.awaits_endpoint &&
         now.configured == tunnel.configured_endpoint;
}

// Goes along a list that is sorted by owner, as fast as those that are asked for, in their order. Null: it is not
// there.
template <class T>
const T* next_of(std::span<const T>& left, std::string_view owner) {
  while (!left.empty() && left.front().owner < owner) left = left.subspan(1);
  return left.empty() || left.front().owner != owner ? nullptr : &left.front();
}

// What was measured of one owner after the other, in their order. Tags do not count where BIRD's filters are the
// operator's: then no file may differ by them.
class LinksInOrder {
 public:
  LinksInOrder(const NodeContext& node, const LinkQualities* qualities, const MtuLimits* limits) {
    if (qualities != nullptr && node.owns_bird) qualities_ = *qualities;
    if (limits != nullptr) limits_ = *limits;
  }
  MeasuredLink of(std::string_view owner) {
    MeasuredLink measured;
    if (const LinkQuality* quality = next_of(qualities_, owner)) {
      measured.latency_tier = quality->latency_tier;
      measured.loss_class = quality->loss_class;
    }
    if (const MtuLimit* limit = next_of(limits_, owner)) measured.most_mtu_bytes = limit->mtu_bytes;
    return measured;
  }

 private:
  std::span<const LinkQuality> qualities_;
  std::span<const MtuLimit> limits_;
};

}  // namespace

std::vector<IpPrefix> everything() { return {IpPrefix{IpAddress::v4({}), 0}, IpPrefix{IpAddress::v6({}), 0}}; }

Destination destination_of(const std::optional<HostPort>& endpoint, const Lookup& lookup,
                           std::optional<IpFamily> family) {
  if (!endpoint) return {};
  auto address = lookup(endpoint->host, family);
  if (!address)
    return {{}, "", fmt::format("endpoint {} does not resolve: {}", endpoint->text(), address.error().what), false};
  if (!*address) return {{}, "", "", true};
  return {Endpoint{**address, endpoint->port}, endpoint_label(*endpoint), "", false};
}

NodeContext context_of(const AgentConfig& config, const Key& private_key) {
  return {config.node,
          private_key,
          config.wireguard.keepalive,
          config.bird.names,
          config.bird.ownership == BirdOwnership::full,
          config.bird.says_source,
          net::source_towards};
}

Composed joined(Composed backbone, const Composed& sessions) {
  Composed all = std::move(backbone);
  const auto append = [](auto& list, const auto& more) { list.insert(list.end(), more.begin(), more.end()); };
  append(all.state.peerings, sessions.state.peerings);
  append(all.status_of, sessions.status_of);
  return all;
}

Composed compose(const std::vector<SessionRow>& rows, const NodeContext& node, const Lookup& lookup,
                 const LinkQualities& qualities, const MtuLimits& limits) {
  Composed composed;
  LinksInOrder links(node, &qualities, &limits);
  composed.state.peerings.reserve(rows.size());
  composed.status_of.reserve(rows.size());
  for (const SessionRow& row : rows) {
    const bool is_repeated =
        !composed.state.peerings.empty() && model::session_of(composed.state.peerings.back().owner) == row.uuid;
    if (row.uuid.empty() || is_repeated) continue;
    composed.state.peerings.push_back(compose_row(row, node, lookup, links.of(model::owner_of_session(row.uuid))));
    composed.status_of.push_back(row.status.value_or(-1));
  }
  return composed;
}

void Composer::look_again(const Lookup& lookup, bool is_measured_anew) {
  std::vector<DesiredPeering>& peerings = composed_.state.peerings;
  LinksInOrder links(node_, qualities_.get(), limits_.get());
  for (std::uint32_t i = 0; is_measured_anew && i < peerings.size(); ++i) {
    const MeasuredLink measured = links.of(peerings[i].owner);
    if (std::exchange(measured_[i], measured) != measured)
      peerings[i] = compose_row((*rows_)[row_of_[i]], node_, lookup, measured);
  }
  for (const std::uint32_t i : movable_) {
    const SessionRow& row = (*rows_)[row_of_[i]];
    if (!leads_where_it_did(peerings[i], row, node_, lookup))
      peerings[i] = compose_row(row, node_, lookup, measured_[i]);
  }
}

std::vector<std::shared_ptr<const model::BirdFile>> Composer::bird_files() const {
  std::vector<std::shared_ptr<const model::BirdFile>> files;
  for (const DesiredPeering& peering : composed_.state.peerings) {
    if (peering.bird_file) files.push_back(peering.bird_file);
  }
  return files;
}

std::vector<NamedEndpoint> Composer::named_endpoints() const {
  std::vector<NamedEndpoint> all;
  all.reserve(movable_.size());
  for (const std::uint32_t i : movable_) {
    const Session& session = *(*rows_)[row_of_[i]].session;
    all.push_back({composed_.state.peerings[i].owner, session.endpoint->host, model::gre_family(session.type)});
  }
  return all;
}

const Composed& Composer::compose(Rows rows, const Lookup& lookup, Qualities qualities, Limits limits) {
  const bool is_measured_anew = qualities != qualities_ || limits != limits_;
  qualities_ = std::move(qualities);
  limits_ = std::move(limits);
  if (rows == rows_) {
    look_again(lookup, is_measured_anew);
    return composed_;
  }
  std::vector<DesiredPeering> before = std::exchange(composed_, {}).state.peerings;
  const std::vector<std::uint32_t> row_before = std::exchange(row_of_, {});
  const std::vector<MeasuredLink> measured_before = std::exchange(measured_, {});
  LinksInOrder links(node_, qualities_.get(), limits_.get());
  const Rows rows_before = std::exchange(rows_, std::move(rows));
  movable_.clear();
  std::vector<DesiredPeering>& peerings = composed_.state.peerings;
  peerings.reserve(rows_->size());
  std::size_t known = 0;  // both are sorted by uuid
  for (std::uint32_t r = 0; r < rows_->size(); ++r) {
    const SessionRow& row = (*rows_)[r];
    if (row.uuid.empty() || (!peerings.empty() && model::session_of(peerings.back().owner) == row.uuid)) continue;
    while (known < before.size() && model::session_of(before[known].owner) < row.uuid) ++known;
    const bool may_move = is_movable(row);
    const MeasuredLink measured = links.of(model::owner_of_session(row.uuid));
    const bool is_same = known < before.size() && model::session_of(before[known].owner) == row.uuid &&
                         (*rows_before)[row_before[known]] == row && measured_before[known] == measured &&
                         (!may_move || leads_where_it_did(before[known], row, node_, lookup));
    if (may_move) movable_.push_back(static_cast<std::uint32_t>(peerings.size()));
    peerings.push_back(is_same ? std::move(before[known]) : compose_row(row, node_, lookup, measured));
    row_of_.push_back(r);
    measured_.push_back(measured);
    composed_.status_of.push_back(row.status.value_or(-1));
  }
  return composed_;
}

}  // namespace moenet::agent
