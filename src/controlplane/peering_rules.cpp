#include "controlplane/peering_rules.h"

#include <algorithm>
#include <string_view>
#include <tuple>

#include <fmt/format.h>

#include "controlplane/addressing.h"
#include "controlplane/public_address.h"
#include "controlplane/session_draft.h"
#include "model/text.h"

namespace moenet::controlplane {

namespace {

constexpr std::int64_t kLeastMtu = 1'280;  // RFC 8200 section 5
constexpr std::int64_t kMostMtu = 1'500;   // of the path below; more would be cut
constexpr std::int64_t kLeastPort = 1'024;
constexpr std::int64_t kMostPort = 65'535;

std::unexpected<Refusal> refuse_member(std::string what, const char* member, std::string hint) {
  return refuse(Errc::invalid, std::move(what), member, std::move(hint));
}

bool is_gre(const StoredSession& row) { return row.type != model::name_of(model::TunnelType::wireguard); }

bool is_of_another(const StoredSession& row, const StoredSession& other) { return other.uuid != row.uuid; }

Checked<void> check_asn(const StoredSession& row, const PeeringFacts& facts) {
  const PeeringSettings& peering = facts.settings.peering;
  const auto& of_policy = facts.settings.policy;
  if (std::ranges::binary_search(peering.blocked_asns, row.asn) ||
      (of_policy && std::ranges::binary_search(of_policy->blocked_asns, row.asn))) {
    return refuse_member(fmt::format("AS{} is blocked in this network", row.asn), "asn", "ask its operators");
  }
  if (std::ranges::binary_search(peering.allowed_asns, row.asn)) return {};
  const auto holds = [&](const AsnRange& range) { return range.first <= row.asn && row.asn <= range.last; };
  if (!peering.asn_ranges.empty() && std::ranges::none_of(peering.asn_ranges, holds)) {
    return refuse_member(fmt::format("AS{} is not in the ranges that may peer here", row.asn), "asn",
                         "ask the operators to allow it");
  }
  if (facts.is_registered && !*facts.is_registered) {
    return refuse_member(fmt::format("AS{} is not in the registry", row.asn), "asn",
                         "register its aut-num first, and wait until it is merged");
  }
  return {};
}

// Who has a session keeps it, whatever becomes of the node's doors.
Checked<void> check_room(const StoredSession& row, const PeeringFacts& facts) {
  const Node& node = facts.node;
  if (node.is_closed) {
    return refuse_member(fmt::format("{} takes no new peers", node.name), "node",
                         node.peering_note.empty() ? "choose another node" : node.peering_note);
  }
  const auto count = std::ranges::count_if(facts.sessions, [&](const StoredSession& other) {
    return other.node == node.id && is_of_another(row, other) && other.status != model::SessionStatus::rejected;
  });
  if (node.max_sessions != 0 && count >= node.max_sessions)
    return refuse_member(fmt::format("{} is full", node.name), "node", "choose another node");
  return {};
}

// What an operator let through keeps it, as long as nobody changes it.
Checked<void> check_bandwidth(const StoredSession* before, const StoredSession& row, const PeeringFacts& facts) {
  const std::int64_t least = facts.node.min_bandwidth_mbit;
  const std::int64_t bandwidth = draft_of(row).bandwidth_mbit.value_or(0);
  if (bandwidth >= least || (before != nullptr && draft_of(*before).bandwidth_mbit.value_or(0) == bandwidth)) return {};
  return refuse_member(fmt::format("{} takes peers from {} Mbit/s on", facts.node.name, least), "bandwidthMbit",
                       "say how fast your link is, or choose another node");
}

Checked<void> check_key(const StoredSession& row, const PeeringFacts& facts) {
  const std::string key = draft_of(row).public_key;
  for (const StoredSession& other : facts.sessions) {
    if (key.empty() || other.asn == row.asn || draft_of(other).public_key != key) continue;
    return refuse_member("another AS has this key", "publicKey", "make a key pair of your own: wg genkey");
  }
  return {};
}

bool is_local_name(std::string_view host) {
  const std::string name = model::lower_case(host);
  const auto ends = {".localhost", ".local", ".internal", ".dn42", ".lan"};
  return name == "localhost" || !name.contains('.') ||
         std::ranges::any_of(ends, [&](std::string_view end) { return name.ends_with(end); });
}

bool is_address_of(const Node& node, const std::string& address) {
  return address == node.public_ipv4 || address == node.public_ipv6 || address == node.seen_ipv4 ||
         address == node.seen_ipv6;
}

Checked<void> check_endpoint(const StoredSession& row, const PeeringFacts& facts) {
  if (row.endpoint.empty()) return {};
  const auto endpoint = HostPort::parse(row.endpoint, is_gre(row) ? std::optional<std::uint16_t>(0) : std::nullopt);
  if (!endpoint) return refuse_member("expected host:port", "endpoint", "or leave it out: then your side calls");
  const auto address = endpoint->address();
  if (address && std::ranges::any_of(facts.nodes, [&](const Node& n) { return is_address_of(n, address->text()); }))
    return refuse_member("it is one of our own nodes", "endpoint", "give the address of your side");
  if (facts.settings.peering.private_endpoints) return {};
  if (address ? !is_public_address(*address) : is_local_name(endpoint->host)) {
    return refuse_member(
        fmt::format("{} cannot be reached over the internet", endpoint->host), "endpoint",
        is_gre(row) ? "give a public address" : "give a public address, or leave it out: then your side calls");
  }
  return {};
}

bool is_in(const std::string& prefix, const IpAddress& address) {
  const auto parsed = IpPrefix::parse(prefix);
  return parsed && parsed->contains(address);
}

// A tunnel's address is routed to its peer, so it must be one that nobody else can have.
Checked<void> check_tunnel_addresses(const StoredSession& row, const PeeringFacts& facts) {
  static const IpPrefix kDn42 = IpPrefix::parse("172.20.0.0/14").value();
  static const IpPrefix kTen = IpPrefix::parse("10.0.0.0/8").value();
  for (const auto& [member, text] : {std::pair("ipv4", row.ipv4), std::pair("ipv6", row.ipv6)}) {
    const auto address = IpAddress::parse(text);
    if (!address || address->is_link_local()) continue;
    if (is_in(facts.settings.ipv4_prefix, *address) || is_in(facts.settings.ipv6_prefix, *address))
      return refuse_member(fmt::format("{} is of our own network", text), member, "give an address of yours");
    const bool is_dn42 =
        address->is_v4() ? kDn42.contains(*address) || kTen.contains(*address) : address->is_unique_local();
    if (!is_dn42)
      return refuse_member(fmt::format("{} is no address of DN42", text), member, "give one of your own there");
  }
  if (row.ipv6_link_local.empty()) return {};
  const auto address = IpAddress::parse(row.ipv6_link_local);
  if (!address || !address->is_v6() || !address->is_link_local())
    return refuse_member("expected an address in fe80::/10", "ipv6LinkLocal", "such as fe80::1");
  if (*address == link_local(facts.settings, facts.node))
    return refuse_member("this is our end of the link", "ipv6LinkLocal", "give the address of your end");
  return {};
}

bool may_be_a_peers(std::int64_t port) { return port >= kLeastPort && port <= kMostPort && !is_mesh_port(port); }

Checked<void> check_link(const StoredSession* before, const StoredSession& row, const PeeringFacts& facts) {
  if (row.mtu < kLeastMtu || row.mtu > kMostMtu) {
    return refuse_member(fmt::format("expected {} to {}", kLeastMtu, kMostMtu), "mtu",
                         "1420 suits a path of 1500 bytes");
  }
  if (!is_gre(row) && !may_be_a_peers(row.port) && (before == nullptr || before->port != row.port)) {
    return refuse_member(fmt::format("expected {} to {}, and none of the mesh's", kLeastPort, kMostPort), "port",
                         "leave it out: then it follows from your AS number");
  }
  const std::string& fixed = facts.settings.peering.policy;
  if (!fixed.empty() && row.policy != fixed && (before == nullptr || before->policy != row.policy))
    return refuse_member(fmt::format("it is {} for every peer", fixed), "policy", fmt::format("choose {}", fixed));
  return {};
}

}  // namespace

Checked<void> check_sound(const StoredSession& row, const PeeringFacts& facts) {
  if (facts.node.is_leaving)
    return refuse_member(fmt::format("{} is leaving", facts.node.name), "node", "choose another node");
  const std::string key = draft_of(row).public_key;
  for (const Node& node : facts.nodes) {
    if (!key.empty() && key == node.mesh_public_key)
      return refuse_member(fmt::format("it is the key of our node {}", node.name), "publicKey", "give the peer's key");
    for (const auto& [member, text] : {std::pair("ipv4", row.ipv4), std::pair("ipv6", row.ipv6)}) {
      const auto address = IpAddress::parse(text);
      if (!address) continue;
      if (loopback_ipv4(facts.settings, node) == *address || loopback_ipv6(facts.settings, node) == *address)
        return refuse_member(fmt::format("it is the address of our node {}", node.name), member, "give the peer's");
    }
  }
  return {};
}

Checked<void> check_free(const StoredSession* before, const StoredSession& row, const PeeringFacts& facts) {
  const auto claims = [](const StoredSession& s) {
    return std::tie(s.asn, s.interface_name, s.port, s.ipv4, s.ipv6, s.type, s.endpoint, s.data_json);
  };
  if (before != nullptr && claims(*before) == claims(row)) return {};
  const auto taken = [](std::string_view what, const StoredSession& by, const char* member, std::string hint) {
    return refuse(Errc::conflict, fmt::format("{} is taken by AS{} on this node", what, by.asn), member,
                  std::move(hint));
  };
  for (const StoredSession& other : facts.sessions) {
    if (other.node != row.node || !is_of_another(row, other)) continue;
    if (other.asn == row.asn) {
      return refuse(Errc::conflict, fmt::format("AS{} has a session on this node", row.asn), "asn",
                    "edit that one, or choose another node");
    }
    if (other.interface_name == row.interface_name)
      return taken("interface " + row.interface_name, other, "interface", "choose another name");
    if (row.port != 0 && other.port == row.port) {
      return taken(fmt::format("listen port {}", row.port), other, "port",
                   fmt::format("{} is free", free_port(row.asn, facts)));
    }
    if (is_gre(row) && other.type == row.type && other.endpoint == row.endpoint &&
        draft_of(other).gre_key == draft_of(row).gre_key)
      return taken("a GRE tunnel to " + row.endpoint, other, "endpoint", "give each a greKey of its own");
    for (const auto& [member, own, theirs] :
         {std::tuple("ipv4", row.ipv4, other.ipv4), std::tuple("ipv6", row.ipv6, other.ipv6)}) {
      const auto address = IpAddress::parse(own);
      if (address && !address->is_link_local() && own == theirs)
        return taken("address " + own, other, member, "each session needs its own");
    }
  }
  return {};
}

Checked<void> check_policy(const StoredSession* before, const StoredSession& row, const PeeringFacts& facts) {
  if (auto may = check_asn(row, facts); !may) return may;
  if (before == nullptr) {
    if (auto room = check_room(row, facts); !room) return room;
  }
  if (auto bandwidth = check_bandwidth(before, row, facts); !bandwidth) return bandwidth;
  if (auto key = check_key(row, facts); !key) return key;
  if (auto endpoint = check_endpoint(row, facts); !endpoint) return endpoint;
  if (auto addresses = check_tunnel_addresses(row, facts); !addresses) return addresses;
  return check_link(before, row, facts);
}

std::int64_t free_port(model::Asn asn, const PeeringFacts& facts) {
  const auto is_free = [&](std::int64_t port) {
    return may_be_a_peers(port) && std::ranges::none_of(facts.sessions, [&](const StoredSession& other) {
             return other.node == facts.node.id && other.port == port;
           });
  };
  const std::int64_t first = default_listen_port(asn);
  for (std::int64_t port = first; port <= kMostPort; ++port) {
    if (is_free(port)) return port;
  }
  return 0;
}

}  // namespace moenet::controlplane
