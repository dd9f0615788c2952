// 05_communities.conf, first half: the DN42 communities (DN42 wiki, 2026-08). The order is that of the names' meaning,
// never of the numbers: deployed control planes give odd ones.
#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "bird/policy_parts.h"

namespace moenet::bird {
namespace {

struct Rank {
  std::uint64_t place = 0;  // of the name's meaning; the greater, the higher
  std::string community;
};
using Meaning = std::optional<std::uint64_t> (*)(std::string_view name);

std::optional<std::uint64_t> number(std::string_view digits) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

// "tier0" … "tier8": DN42's latencies 1 … 9.
std::optional<std::uint64_t> latency(std::string_view name) {
  if (!name.starts_with("tier")) return std::nullopt;
  const auto tier = number(name.substr(4));
  return tier && *tier <= 8 ? std::optional(*tier + 1) : std::nullopt;
}

// "100k_plus", "1g_plus": in kbit/s.
std::optional<std::uint64_t> bandwidth(std::string_view name) {
  constexpr std::string_view kEnd = "_plus";
  if (!name.ends_with(kEnd) || name.size() < kEnd.size() + 2) return std::nullopt;
  name.remove_suffix(kEnd.size());
  const std::uint64_t unit = name.back() == 'k' ? 1 : name.back() == 'm' ? 1'000 : name.back() == 'g' ? 1'000'000 : 0;
  const auto count = number(name.substr(0, name.size() - 1));
  return count && unit != 0 ? std::optional(*count * unit) : std::nullopt;
}

std::optional<std::uint64_t> crypto(std::string_view name) {
  constexpr std::string_view kNames[] = {"none", "unsafe", "encrypted", "latency", "psk", "pq"};
  const auto found = std::find(std::begin(kNames), std::end(kNames), name);
  if (found == std::end(kNames)) return std::nullopt;
  return 31 + static_cast<std::uint64_t>(found - std::begin(kNames));
}

std::optional<std::uint64_t> loss(std::string_view name) {
  constexpr std::string_view kNames[] = {"none", "upto_1", "upto_5", "more"};
  const auto found = std::find(std::begin(kNames), std::end(kNames), name);
  if (found == std::end(kNames)) return std::nullopt;
  return 91 + static_cast<std::uint64_t>(found - std::begin(kNames));
}

// Lowest first. A name without a known meaning is in no order and so is left out.
std::vector<Rank> ranks_of(const model::CommunityNames& names, Meaning meaning) {
  std::vector<Rank> ranks;
  for (const auto& [name, community] : names) {
    if (const auto place = meaning(name)) ranks.push_back({*place, text_of(community)});
  }
  std::sort(ranks.begin(), ranks.end(), [](const Rank& a, const Rank& b) { return a.place < b.place; });
  return ranks;
}

// The link's own is added to what the route has, and of all of them the worst stays. `ranks`: best first.
std::string keep_worst(const std::vector<Rank>& ranks) {
  std::string out;
  for (std::size_t worst = ranks.size(); worst-- > 1;) {
    std::vector<std::string> better;
    for (std::size_t i = 0; i < worst; ++i) {
      if (ranks[i].community != ranks[worst].community) better.push_back(ranks[i].community);
    }
    if (better.empty()) continue;
    out +=
        fmt::format("  if {} ~ bgp_community then bgp_community.delete({});\n", ranks[worst].community, set_of(better));
  }
  return out;
}

std::string add_equal(const std::vector<Rank>& ranks, std::string_view argument) {
  std::string out;
  for (const Rank& rank : ranks) {
    out += fmt::format("  if {} = {} then bgp_community.add({});\n", argument, rank.place, rank.community);
  }
  return out;
}

// The greatest that the link reaches: a word that the table lacks falls back on the next below. `unit`: places of
// `ranks` per 1 of the argument; what is below the least that the argument can say is not told apart.
std::string add_reached(const std::vector<Rank>& ranks, std::string_view argument, std::uint64_t unit) {
  std::string out;
  std::uint64_t above = 0;
  for (auto rank = ranks.rbegin(); rank != ranks.rend(); ++rank) {
    const std::uint64_t least = std::max<std::uint64_t>(1, rank->place / unit);
    if (least == above) continue;
    const std::string limit = above == 0 ? "" : fmt::format(" && {} < {}", argument, above);
    out += fmt::format("  if {} >= {}{} then bgp_community.add({});\n", argument, least, limit, rank->community);
    above = least;
  }
  return out;
}

// The node is a part of each path through it, so its bandwidth counts beside that of a link that is known; where none
// is, it would be a promise. Its word for it goes before its number.
std::string node_bandwidth(const PolicyInput& input, const std::vector<Rank>& ranks) {
  const model::PolicyNode& node = input.policy.node;
  const auto named = input.policy.policy.bandwidth.find(node.bandwidth_community);
  if (named != input.policy.policy.bandwidth.end()) {
    return bandwidth(named->first) ? text_of(named->second) : "";
  }
  std::string reached;
  for (const Rank& rank : ranks) {
    if (rank.place <= std::uint64_t{node.bandwidth_mbit} * 1000) reached = rank.community;
  }
  return reached;
}

// A function of its own, so that a peer file from before there was one still fits. The wiki has no word on loss along a
// path; of two values no reader could choose.
std::string link_loss(const model::RoutingPolicy& policy) {
  const std::vector<Rank> losses = ranks_of(policy.loss, loss);
  return R"(
# The packets that the link loses: 91 none, 92 up to 1 %, 93 up to 5 %, 94 more. Along a path the highest counts.
function moenet_link_loss(int loss)
{
)" + add_equal(losses, "loss") +
         keep_worst(losses) + "}\n";
}

// Kinds of links add up along a path: none is worse than another.
std::string tunnel(const PolicyInput& input) {
  const auto tunnel = input.policy.policy.topology.find("tunnel");
  if (!input.tells_topology || tunnel == input.policy.policy.topology.end()) return "";
  return fmt::format("  bgp_community.add({});  # a tunnel, as all links to other networks are\n",
                     text_of(tunnel->second));
}

std::string own_route(const PolicyInput& input) {
  const model::RoutingPolicy& policy = input.policy.policy;
  std::string out =
      "\n# What is said of this network's own routes, and never of others.\nfunction moenet_tag_own()\n{\n";
  const auto region = policy.region.find(input.policy.node.region_community);
  if (region != policy.region.end()) out += fmt::format("  bgp_community.add({});\n", text_of(region->second));
  // ISO 3166 numbers have three digits.
  if (input.country && *input.country <= 999)
    out += fmt::format("  bgp_community.add((64511, {}));\n", 1000 + *input.country);
  return out + "}\n";
}

}  // namespace

std::string policy_communities(const PolicyInput& input) {
  const model::RoutingPolicy& policy = input.policy.policy;
  const std::vector<Rank> latencies = ranks_of(policy.latency, latency);
  const std::vector<Rank> bandwidths = ranks_of(policy.bandwidth, bandwidth);
  const std::vector<Rank> cryptos = ranks_of(policy.crypto, crypto);
  const std::vector<Rank> fastest(bandwidths.rbegin(), bandwidths.rend());
  const std::vector<Rank> safest(cryptos.rbegin(), cryptos.rend());
  std::string out =
      R"(# What the link adds that a route comes in over: latency 1…9, bandwidth in Mbit/s, crypto 31…36, 0 where it is not
# known. Along a path the highest latency counts, and the lowest bandwidth and crypto.
function moenet_link(int tier; int bandwidth; int crypto)
{
)";
  out += add_equal(latencies, "tier") + keep_worst(latencies);
  out += add_reached(bandwidths, "bandwidth", 1000);
  if (const std::string node = node_bandwidth(input, bandwidths); !node.empty()) {
    out += fmt::format("  if bandwidth > 0 then bgp_community.add({});  # of this node\n", node);
  }
  out += keep_worst(fastest);
  out += add_reached(cryptos, "crypto", 1) + keep_worst(safest) + tunnel(input) + "}\n";
  return out + link_loss(policy) + own_route(input);
}

}  // namespace moenet::bird
