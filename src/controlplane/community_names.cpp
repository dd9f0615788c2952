#include "controlplane/community_names.h"

#include <charconv>
#include <initializer_list>

#include <boost/json.hpp>

#include "model/routing_policy.h"

namespace moenet::controlplane {

namespace {

namespace json = boost::json;

json::array parts_of(const model::Community& community) { return {community.asn, community.value}; }
json::array parts_of(const model::LargeCommunity& community) {
  return {community.asn, community.kind, community.value};
}

template <class Names>
json::object all_of(const Names& names) {
  json::object result;
  for (const auto& [name, community] : names) result[name] = parts_of(community);
  return result;
}

// The words that deployed nodes know; a reader of ours has the others by default.
json::object some_of(const model::CommunityNames& names, std::initializer_list<const char*> known) {
  json::object result;
  for (const char* name : known) result[name] = parts_of(names.at(name));
  return result;
}

}  // namespace

json::object communities() {
  const model::RoutingPolicy policy = model::default_policy(0);  // whose AS does not matter to these
  return {{"latency", all_of(policy.latency)},
          {"bandwidth", all_of(policy.bandwidth)},
          {"crypto", some_of(policy.crypto, {"none", "unsafe", "encrypted", "latency"})},
          {"region", some_of(policy.region, {"eu", "na_e", "na_c", "na_w", "ca", "sa", "af", "as_s", "as_se", "as_e",
                                             "oc", "as_n", "me"})}};
}

json::object large_communities(model::Asn asn) {
  const model::RoutingPolicy policy = model::default_policy(asn);
  return {{"origin", all_of(policy.origin)},
          {"subregion", all_of(policy.subregion)},
          {"bandwidth", all_of(policy.link_bandwidth)}};
}

unsigned bandwidth_mbit(std::string_view bandwidth) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(bandwidth.data(), bandwidth.data() + bandwidth.size(), number);
  const std::string_view unit(end, bandwidth.data() + bandwidth.size());
  if (error != std::errc() || number > 1'000'000) return 0;
  if (unit == "G" || unit == "g") return number * 1000;
  return unit == "M" || unit == "m" ? number : 0;
}

std::string_view bandwidth_community(std::string_view bandwidth) {
  const unsigned mbit = bandwidth_mbit(bandwidth);
  if (mbit >= 10'000) return "DN42_BW_10G_PLUS";
  if (mbit >= 1'000) return "DN42_BW_1G_PLUS";
  if (mbit >= 100) return "DN42_BW_100M_PLUS";
  return mbit >= 10 ? "DN42_BW_10M_PLUS" : "DN42_BW_100K_PLUS";
}

}  // namespace moenet::controlplane
