#include "controlplane/peering_settings.h"

#include <algorithm>
#include <optional>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "model/routing_policy.h"

namespace moenet::controlplane {

namespace {

namespace json = boost::json;
using model::JsonReader;

constexpr std::size_t kMostRanges = 64;
constexpr std::size_t kMostAsns = 1'000;  // chosen: as many as the blocklist of routes takes
constexpr std::size_t kMostText = 32;

void read_approval(const JsonReader& peering, Approval& value) {
  const auto text = peering.text("approval", kMostText);
  if (!text) return;
  if (*text == "manual")
    value = Approval::manual;
  else if (*text == "automatic")
    value = Approval::automatic;
  else
    peering.note("approval", "manual or automatic");
}

std::optional<AsnRange> range_in(const json::value& item) {
  const json::array* ends = item.if_array();
  if (ends == nullptr || ends->size() != 2) return std::nullopt;
  const auto first = model::blocked_asn_in((*ends)[0]);
  const auto last = model::blocked_asn_in((*ends)[1]);
  if (!first || !last || *first > *last) return std::nullopt;
  return AsnRange{*first, *last};
}

// The list under `key` in the place of `items`; null empties it.
template <class T>
void read_list(const JsonReader& peering, std::string_view key, std::size_t most, std::string_view expected,
               std::vector<T>& items, auto read) {
  if (!peering.has(key)) return;
  const json::value* value = peering.find(key);
  if (value == nullptr) return items.clear();
  const json::array* list = value->if_array();
  std::vector<T> read_items;
  bool is_sound = list != nullptr && list->size() <= most;
  for (std::size_t i = 0; is_sound && i < list->size(); ++i) {
    const std::optional<T> item = read((*list)[i]);
    is_sound = item.has_value();
    if (item) read_items.push_back(*item);
  }
  if (!is_sound) return peering.note(key, fmt::format("a list of at most {} {}", most, expected));
  items = std::move(read_items);
}

void sort_unique(std::vector<model::Asn>& asns) {
  std::ranges::sort(asns);
  const auto repeated = std::ranges::unique(asns);
  asns.erase(repeated.begin(), repeated.end());
}

// Null and "" leave it to the peer.
void read_policy(const JsonReader& peering, std::string& value) {
  if (!peering.has("policy")) return;
  const std::string text = peering.text("policy", kMostText).value_or("");
  const auto policies = {model::SessionPolicy::full, model::SessionPolicy::peer, model::SessionPolicy::upstream,
                         model::SessionPolicy::downstream};
  if (!text.empty() && std::ranges::none_of(policies, [&](auto policy) { return model::name_of(policy) == text; }))
    return peering.note("policy", "full, peer, upstream or downstream");
  value = text;
}

}  // namespace

void read_peering(const JsonReader& settings, PeeringSettings& value) {
  const JsonReader peering = settings.object("peering");
  read_approval(peering, value.approval);
  read_list(peering, "asnRanges", kMostRanges, "pairs of AS numbers, the lower one first", value.asn_ranges, range_in);
  read_list(peering, "allowedAsns", kMostAsns, "AS numbers", value.allowed_asns, model::blocked_asn_in);
  read_list(peering, "blockedAsns", kMostAsns, "AS numbers", value.blocked_asns, model::blocked_asn_in);
  sort_unique(value.allowed_asns);
  sort_unique(value.blocked_asns);
  if (const auto may = peering.boolean("privateEndpoints")) value.private_endpoints = *may;
  read_policy(peering, value.policy);
}

json::value write_peering(const PeeringSettings& peering) {
  json::array ranges;
  for (const AsnRange& range : peering.asn_ranges) ranges.push_back(json::array{range.first, range.last});
  return json::object{{"approval", peering.approval == Approval::manual ? "manual" : "automatic"},
                      {"asnRanges", std::move(ranges)},
                      {"allowedAsns", json::array(peering.allowed_asns.begin(), peering.allowed_asns.end())},
                      {"blockedAsns", json::array(peering.blocked_asns.begin(), peering.blocked_asns.end())},
                      {"privateEndpoints", peering.private_endpoints},
                      {"policy", peering.policy.empty() ? json::value(nullptr) : json::value(peering.policy)}};
}

}  // namespace moenet::controlplane
