#include "bird/policy.h"

#include <algorithm>

#include <fmt/format.h>

#include "bird/peer_folder.h"
#include "bird/policy_parts.h"
#include "bird/router_id.h"

namespace moenet::bird {

Dialect Dialect::of(const Version& version) {
  return {.has_babel_rtt = version >= Version{2, 14, 0},
          .validates_covered_only = version.major >= 3,
          .trusts_kernel_scan = version.major >= 3,
          .spins_when_blocked = version.major >= 3};
}

std::vector<model::BirdFile> render_policy(const PolicyInput& input, const Dialect& dialect) {
  const std::pair<const char*, std::string> parts[] = {
      {"00_base.conf", policy_base(input, dialect)},
      {"05_communities.conf", policy_communities(input) + policy_tags(input)},
      {"10_roa.conf", policy_roa(input)},
      {"20_filters.conf", policy_filters(input)},
      {"25_loaded_roas.conf", dialect.validates_covered_only ? policy_loaded_roas(input) : ""},
      {"30_babel.conf", policy_babel(input, dialect)},
      {"40_ibgp.conf", policy_ibgp(input, dialect)},
      {"50_ebgp.conf", policy_ebgp(input, dialect)},
  };
  const model::Owner owner(kPolicyOwner);
  std::vector<model::BirdFile> files;
  for (const auto& [name, text] : parts) {
    if (!text.empty()) files.push_back({name, owner, ownership_line(owner) + text});
  }
  return files;
}

std::string render_main(std::string_view peer_folder, std::string_view node_name,
                        const std::optional<IpAddress>& ipv4) {
  return fmt::format("{}log syslog all;\nrouter id {};\nprotocol device\n{{\n  scan time 10;\n}}\n{}\n",
                     ownership_line(kBaseOwner), router_id(node_name, ipv4), include_line(peer_folder));
}

IpPrefix network_of(const IpPrefix& prefix) {
  const std::string_view bytes = prefix.address.bytes();
  std::array<std::uint8_t, 16> kept{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const unsigned bits = std::clamp<int>(prefix.length - static_cast<int>(8 * i), 0, 8);
    kept[i] = static_cast<std::uint8_t>(static_cast<unsigned char>(bytes[i]) & (0xFF00u >> bits));
  }
  if (prefix.address.is_v4()) return {IpAddress::v4({kept[0], kept[1], kept[2], kept[3]}), prefix.length};
  return {IpAddress::v6(kept), prefix.length};
}

std::vector<IpPrefix> networks_of(std::span<const IpPrefix> prefixes, IpFamily family) {
  std::vector<IpPrefix> networks;
  for (const IpPrefix& prefix : prefixes) {
    if (prefix.address.family() == family) networks.push_back(network_of(prefix));
  }
  std::sort(networks.begin(), networks.end());
  networks.erase(std::unique(networks.begin(), networks.end()), networks.end());
  return networks;
}

std::string text_of(const model::Community& community) {
  return fmt::format("({}, {})", community.asn, community.value);
}

std::string text_of(const model::LargeCommunity& community) {
  return fmt::format("({}, {}, {})", community.asn, community.kind, community.value);
}

std::string set_of(std::span<const std::string> members) { return fmt::format("[ {} ]", fmt::join(members, ", ")); }

std::string set_of(std::span<const IpPrefix> networks, std::string_view suffix) {
  std::vector<std::string> members;
  for (const IpPrefix& network : networks) members.push_back(network.text().append(suffix));
  return set_of(members);
}

}  // namespace moenet::bird
