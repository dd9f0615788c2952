// What holds where the control plane says nothing: DN42's communities (wiki, "BGP communities", 2026-08) and the large
// communities that deployed networks of this kind use.
#include "model/routing_policy.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <utility>

#include <boost/json/value.hpp>

#include "model/community_tables.h"
#include "model/json_reader.h"
#include "model/text.h"

namespace moenet::model {

namespace {

constexpr std::uint16_t kDn42Asn = 64511;

using Values = std::initializer_list<std::pair<std::string_view, std::uint16_t>>;

CommunityNames dn42(Values values) {
  CommunityNames names;
  for (const auto& [name, value] : values) names.emplace(name, Community{kDn42Asn, value});
  return names;
}

LargeCommunityNames large(Asn asn, std::uint32_t kind, Values values) {
  LargeCommunityNames names;
  for (const auto& [name, value] : values) names.emplace(name, LargeCommunity{asn, kind, value});
  return names;
}

CommunityNames latency_tiers() {
  CommunityNames names;
  for (std::uint16_t tier = 0; tier < 9; ++tier) {
    names.emplace("tier" + std::to_string(tier), Community{kDn42Asn, static_cast<std::uint16_t>(tier + 1)});
  }
  return names;
}

// The short names "sa", "af" and "me" stand for the parts of their continents where DN42 has nodes.
CommunityNames dn42_regions() {
  return dn42({{"eu", 41},   {"na_e", 42}, {"na_c", 43}, {"na_w", 44}, {"ca", 45},   {"sa", 46},    {"sa_e", 46},
               {"sa_w", 47}, {"af", 48},   {"af_n", 48}, {"af_s", 49}, {"as_s", 50}, {"as_se", 51}, {"as_e", 52},
               {"oc", 53},   {"aq", 54},   {"as_n", 55}, {"as_w", 56}, {"me", 56},   {"as_c", 57}});
}

LargeCommunityNames subregions(Asn asn) {
  return large(asn, 2,
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
                {"me", 502}});
}

}  // namespace

std::expected<RpkiServer, Fault> make_rpki_server(std::string_view name, std::string_view host, std::uint16_t port) {
  std::string word(trimmed(name));
  std::replace_if(word.begin(), word.end(), [](char c) { return c == '-' || c == '.' || c == ' '; }, '_');
  if (!is_community_name(lower_case(word))) {
    return std::unexpected(Fault{"name", "a name of A-Z a-z 0-9 _, at most 32 characters"});
  }
  host = trimmed(host);
  // Beside a port of its own, in "2001:db8::1" no group is the port.
  if (const Result<IpAddress> address = IpAddress::parse(host)) return RpkiServer{word, {address->text(), port}};
  Result<HostPort> remote = HostPort::parse(host, port);
  if (remote && remote->port == port) return RpkiServer{word, std::move(*remote)};
  return std::unexpected(Fault{"host", "a host name or an address"});
}

std::optional<Asn> blocked_asn_in(const boost::json::value& item) {
  constexpr std::int64_t kAsnMax = 4294967295;  // RFC 6793; 0 is reserved (RFC 7607)
  const std::optional<std::int64_t> asn = integer_in(item);
  if (!asn || *asn < 1 || *asn > kAsnMax) return std::nullopt;
  return static_cast<Asn>(*asn);
}

std::optional<IpPrefix> blocked_network_in(const boost::json::value& item) {
  const boost::json::string* text = item.if_string();
  return text == nullptr ? std::nullopt : network_in({text->data(), text->size()});
}

std::optional<IpPrefix> network_in(std::string_view text) {
  const Result<IpPrefix> prefix = IpPrefix::parse(trimmed(text));
  if (!prefix || prefix->length == 0 || prefix->has_host_bits()) return std::nullopt;
  return *prefix;
}

RoutingPolicy default_policy(Asn asn) {
  RoutingPolicy policy;
  policy.asn = asn;
  policy.latency = latency_tiers();
  policy.bandwidth = dn42(
      {{"100k_plus", 21}, {"1m_plus", 22}, {"10m_plus", 23}, {"100m_plus", 24}, {"1g_plus", 25}, {"10g_plus", 25}});
  policy.crypto = dn42({{"none", 31}, {"unsafe", 32}, {"encrypted", 33}, {"latency", 34}, {"psk", 35}, {"pq", 36}});
  policy.loss = dn42({{"none", 91}, {"upto_1", 92}, {"upto_5", 93}, {"more", 94}});
  policy.topology = dn42({{"tunnel", 83}});
  policy.region = dn42_regions();
  policy.origin = large(asn, 1, {{"as", 100}, {"na", 200}, {"eu", 300}, {"oc", 400}, {"af", 500}});
  policy.subregion = subregions(asn);
  policy.link_bandwidth = large(asn, 5,
                                {{"10g", 10'000},
                                 {"5g", 5'000},
                                 {"2g", 2'000},
                                 {"1g", 1'000},
                                 {"500m", 500},
                                 {"200m", 200},
                                 {"100m", 100},
                                 {"50m", 50},
                                 {"10m", 10}});
  return policy;
}

}  // namespace moenet::model
