// 05_communities.conf, second half: this network's large communities (RFC 8092), which say where a route came in, and
// the local_pref that each node computes from them for itself (decision 0007).
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "bird/policy_parts.h"

namespace moenet::bird {
namespace {

// (ASN, 3, node id): the node where a route came in. Chosen: control planes use the kinds 1 (continent), 2 (subregion)
// and 5 (bandwidth).
constexpr std::uint32_t kNodeKind = 3;

constexpr int kUntagged = 300, kSameSubregion = 400, kSameContinent = 350, kAdjacent = 250, kElsewhere = 100;

std::string adjacent_to(const std::string& continent) {
  static const std::map<std::string, std::string> kAdjacencies = {
      {"as", "oc"}, {"oc", "as"}, {"na", "eu"}, {"eu", "na"}};
  const auto found = kAdjacencies.find(continent);
  return found == kAdjacencies.end() ? "" : found->second;
}

// All of the network's own, and the kinds that the control plane defines under another number.
std::string tags_of_this_network(const model::RoutingPolicy& policy) {
  std::set<std::string> tags;
  for (const auto* table : {&policy.origin, &policy.subregion, &policy.link_bandwidth}) {
    for (const auto& [name, tag] : *table) {
      if (tag.asn != policy.asn) tags.insert(fmt::format("({}, {}, *)", tag.asn, tag.kind));
    }
  }
  std::vector<std::string> members = {fmt::format("({}, *, *)", policy.asn)};
  members.insert(members.end(), tags.begin(), tags.end());
  return set_of(members);
}

// "10g", "500m": in Mbit/s; 0: no such name.
std::uint64_t mbit_of(std::string_view name) {
  if (name.size() < 2) return 0;
  const std::uint64_t unit = name.back() == 'm' ? 1 : name.back() == 'g' ? 1000 : 0;
  std::uint64_t count = 0;
  for (const char c : name.substr(0, name.size() - 1)) {
    if (c < '0' || c > '9' || count > 1'000'000) return 0;
    count = count * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return count * unit;
}

std::string add(const model::LargeCommunityNames& table, const std::string& name) {
  const auto found = table.find(name);
  return found == table.end() ? "" : fmt::format("  bgp_large_community.add({});\n", text_of(found->second));
}

// The greatest that the node's bandwidth reaches.
std::string add_bandwidth(const model::LargeCommunityNames& table, std::uint32_t bandwidth_mbit) {
  std::string reached;
  for (const auto& [name, tag] : table) {
    const std::uint64_t mbit = mbit_of(name);
    if (mbit != 0 && mbit <= bandwidth_mbit && (reached.empty() || mbit > mbit_of(reached))) reached = name;
  }
  return add(table, reached);
}

std::string prefer(std::span<const std::string> tags, int local_pref, std::string_view why) {
  if (tags.empty()) return "";
  return fmt::format("  if bgp_large_community ~ {} then bgp_local_pref = {};  # {}\n", set_of(tags), local_pref, why);
}

// The nearest is asked last and so counts. A node that does not know its own continent prefers none.
std::string preferences(const model::BirdPolicy& policy) {
  const model::LargeCommunityNames& origin = policy.policy.origin;
  std::vector<std::string> elsewhere, adjacent, same, subregion;
  if (origin.contains(policy.node.continent)) {
    for (const auto& [name, tag] : origin) {
      (name == policy.node.continent                ? same
       : name == adjacent_to(policy.node.continent) ? adjacent
                                                    : elsewhere)
          .push_back(text_of(tag));
    }
  }
  const auto own = policy.policy.subregion.find(policy.node.subregion);
  if (own != policy.policy.subregion.end()) subregion.push_back(text_of(own->second));
  return prefer(elsewhere, kElsewhere, "another continent") + prefer(adjacent, kAdjacent, "an adjacent continent") +
         prefer(same, kSameContinent, "this continent") + prefer(subregion, kSameSubregion, "this subregion");
}

}  // namespace

std::string policy_tags(const PolicyInput& input) {
  const model::PolicyNode& node = input.policy.node;
  const model::RoutingPolicy& policy = input.policy.policy;
  std::string out = "\n# Where a route comes into this network: at this node.\nfunction moenet_tag_entry()\n{\n";
  // From elsewhere they would be lies.
  out += fmt::format("  bgp_large_community.delete({});\n", tags_of_this_network(policy));
  out += add(policy.origin, node.continent) + add(policy.subregion, node.subregion);
  out += fmt::format("  bgp_large_community.add({});\n", text_of({policy.asn, kNodeKind, node.id}));
  out += add_bandwidth(policy.link_bandwidth, node.bandwidth_mbit);
  out += fmt::format(R"(}}

# The nearer a route came in, the better: it is carried by this network as long as that is so. Absolute, because a
# reflector sends on what it computed for itself.
function moenet_prefer()
{{
  bgp_local_pref = {};
{}  if {} ~ bgp_community then bgp_local_pref = 0;  # GRACEFUL_SHUTDOWN, RFC 8326
}}

# On the way to other nodes of this network: they route around this one.
function moenet_drain_entry()
{{
  if MOENET_DRAIN && {} ~ bgp_large_community then bgp_community.add({});
}}
)",
                     kUntagged, preferences(input.policy), kGracefulShutdown, text_of({policy.asn, kNodeKind, node.id}),
                     kGracefulShutdown);
  return out;
}

}  // namespace moenet::bird
