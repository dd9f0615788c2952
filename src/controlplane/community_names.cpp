#include "controlplane/community_names.h"

#include <charconv>
#include <initializer_list>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace moenet::controlplane {

namespace {

namespace json = boost::json;

using Names = std::initializer_list<std::pair<std::string_view, int>>;

json::object group(Names names) {
  constexpr int kDn42 = 64511;
  json::object result;
  for (const auto& [name, value] : names) result[name] = json::array{kDn42, value};
  return result;
}

json::object large_group(model::Asn asn, int kind, Names names) {
  json::object result;
  for (const auto& [name, value] : names) result[name] = json::array{asn, kind, value};
  return result;
}

}  // namespace

json::object communities() {
  json::object latency;
  for (int tier = 0; tier < 9; ++tier) latency[fmt::format("tier{}", tier)] = json::array{64511, tier + 1};
  return {
      {"latency", std::move(latency)},
      {"bandwidth", group({{"100k_plus", 21},
                           {"1m_plus", 22},
                           {"10m_plus", 23},
                           {"100m_plus", 24},
                           {"1g_plus", 25},
                           {"10g_plus", 25}})},
      {"crypto", group({{"none", 31}, {"unsafe", 32}, {"encrypted", 33}, {"latency", 34}})},
      {"region", group({{"eu", 41},
                        {"na_e", 42},
                        {"na_c", 43},
                        {"na_w", 44},
                        {"ca", 45},
                        {"sa", 46},
                        {"af", 48},
                        {"as_s", 50},
                        {"as_se", 51},
                        {"as_e", 52},
                        {"oc", 53},
                        {"as_n", 55},
                        {"me", 56}})},
  };
}

json::object large_communities(model::Asn asn) {
  return {
      {"origin", large_group(asn, 1, {{"as", 100}, {"na", 200}, {"eu", 300}, {"oc", 400}, {"af", 500}})},
      {"subregion", large_group(asn, 2,
                                {{"as_e", 101},
                                 {"as_se", 102},
                                 {"as_s", 103},
                                 {"as_n", 104},
                                 {"na_e", 201},
                                 {"na_c", 202},
                                 {"na_w", 203},
                                 {"ca", 204},
                                 {"sa", 205},
                                 {"eu_w", 301},
                                 {"eu_c", 302},
                                 {"eu_e", 303},
                                 {"oc", 401},
                                 {"af", 501},
                                 {"me", 502}})},
      {"bandwidth", large_group(asn, 5,
                                {{"10g", 10000},
                                 {"5g", 5000},
                                 {"2g", 2000},
                                 {"1g", 1000},
                                 {"500m", 500},
                                 {"200m", 200},
                                 {"100m", 100},
                                 {"50m", 50},
                                 {"10m", 10}})},
  };
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
