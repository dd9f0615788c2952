#include "model/peering.h"

#include <algorithm>
#include <utility>

namespace moenet::model {

namespace {

constexpr std::uint8_t kLinkLocalPrefix = 64;  // RFC 4291 section 2.5.6

std::unexpected<Fault> fault(std::string field, std::string reason) {
  return std::unexpected(Fault{std::move(field), std::move(reason)});
}

bool is_ours(const std::optional<IpAddress>& theirs, const std::optional<IpAddress>& ours) {
  return theirs && ours && *theirs == *ours;
}

// An address of the peer and the field it came from.
struct Neighbor {
  IpAddress address;
  std::string field;
};

std::expected<Neighbor, Fault> neighbor_of(const Session& session, const NodeIdentity& node) {
  const std::optional<IpAddress>& link_local = session.ipv6_link_local;
  if (session.ipv6 && session.ipv6->is_link_local()) return Neighbor{*session.ipv6, "ipv6"};
  if (link_local && !is_ours(link_local, node.ipv6_link_local)) return Neighbor{*link_local, "ipv6LinkLocal"};
  if (session.ipv6) return Neighbor{*session.ipv6, "ipv6"};
  if (session.ipv4) return Neighbor{*session.ipv4, "ipv4"};
  if (link_local) return fault("ipv6LinkLocal", "neighbor " + link_local->text() + " equals our own link-local");
  return fault("ipv6", "the session has no address of the peer: expected ipv6, ipv6LinkLocal or ipv4");
}

// An address of the peer that is our own would make us talk to ourselves, whether BGP uses it or not.
std::optional<Fault> own_address_claimed(const Session& session, const NodeIdentity& node) {
  const auto claim = [](std::string field, const IpAddress& address, std::string_view what) {
    return Fault{std::move(field), "neighbor " + address.text() + " equals our own " + std::string(what)};
  };
  if (is_ours(session.ipv6, node.ipv6_link_local)) return claim("ipv6", *session.ipv6, "link-local");
  if (is_ours(session.ipv6, node.ipv6)) return claim("ipv6", *session.ipv6, "IPv6 address");
  if (is_ours(session.ipv4, node.ipv4)) return claim("ipv4", *session.ipv4, "IPv4 address");
  return std::nullopt;
}

// Our address of the same kind as the neighbor's.
std::expected<IpAddress, Fault> source_for(const Neighbor& neighbor, const NodeIdentity& node) {
  const bool is_link_local = neighbor.address.is_v6() && neighbor.address.is_link_local();
  const std::optional<IpAddress>& source = is_link_local              ? node.ipv6_link_local
                                           : neighbor.address.is_v6() ? node.ipv6
                                                                      : node.ipv4;
  if (source) return *source;
  const std::string kind = is_link_local ? "a link-local" : neighbor.address.is_v6() ? "an IPv6" : "an IPv4";
  return fault(neighbor.field,
               "neighbor " + neighbor.address.text() + " needs " + kind + " address of this node, which has none");
}

// What our end carries: the node's link-local on every link, and for each routed address of the peer ours with the
// peer's as the far end, so that neither needs a route.
std::vector<InterfaceAddress> addresses_for(const Session& session, const NodeIdentity& node) {
  std::vector<InterfaceAddress> result;
  if (node.ipv6_link_local) result.push_back({{*node.ipv6_link_local, kLinkLocalPrefix}, std::nullopt});
  if (session.ipv4 && node.ipv4) result.push_back({IpPrefix::host(*node.ipv4), session.ipv4});
  const bool is_routed = session.ipv6 && !session.ipv6->is_link_local();
  if (is_routed && node.ipv6) result.push_back({IpPrefix::host(*node.ipv6), session.ipv6});
  std::sort(result.begin(), result.end());
  return result;
}

}  // namespace

std::expected<Peering, Fault> peering_of(const Session& session, const NodeIdentity& node) {
  if (std::optional<Fault> claimed = own_address_claimed(session, node)) return std::unexpected(std::move(*claimed));
  std::expected<Neighbor, Fault> neighbor = neighbor_of(session, node);
  if (!neighbor) return std::unexpected(std::move(neighbor).error());
  std::expected<IpAddress, Fault> source = source_for(*neighbor, node);
  if (!source) return std::unexpected(std::move(source).error());

  Peering peering;
  peering.neighbor = neighbor->address;
  peering.source = *source;
  peering.addresses = addresses_for(session, node);
  peering.carries_ipv4 = peering.neighbor.is_v4();
  peering.carries_ipv6 = peering.neighbor.is_v6();
  if (!session.mp_bgp) return peering;

  // The other family's routes need a next hop that both ends have. For IPv4 over IPv6 that is RFC 8950, or an IPv4
  // address at each end; without either, BIRD has none ("Missing next hop address") and the family is left out. For
  // IPv6 over IPv4 the link-local at each end will do.
  peering.extended_next_hop = session.extended_next_hop && peering.neighbor.is_v6();
  if (peering.neighbor.is_v6() && !peering.extended_next_hop && session.ipv4 && !node.ipv4) {
    return fault("ipv4", "neighbor " + session.ipv4->text() + " needs an IPv4 address of this node, which has none");
  }
  if (peering.neighbor.is_v6()) peering.carries_ipv4 = peering.extended_next_hop || session.ipv4.has_value();
  if (peering.neighbor.is_v4()) peering.carries_ipv6 = node.ipv6_link_local.has_value();
  return peering;
}

}  // namespace moenet::model
