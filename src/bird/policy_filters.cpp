// 20_filters.conf: what other networks may tell this one, and what they are told. The filters have the names that peer
// files use; the procedures under them are for peer files that say more of their link (LinkTags).
#include <fmt/format.h>

#include "bird/dn42_prefixes.h"
#include "bird/policy_parts.h"

namespace moenet::bird {
namespace {

// Nothing for a family without prefixes, because BIRD has no empty set.
std::string reject_within(std::span<const IpPrefix> prefixes) {
  std::string out;
  for (const Family& family : kFamilies) {
    const std::vector<IpPrefix> networks = networks_of(prefixes, family.family);
    if (networks.empty()) continue;
    out +=
        fmt::format("  if net.type = {} then {{ if net ~ {} then reject; }}\n", family.net_type, set_of(networks, "+"));
  }
  return out;
}

// The network's own ROA tells that the table is loaded (decision 0007). BIRD looks for `roa_check` in the filters of a
// channel and sends its routes through them again when the table changes.
std::string check_origin(const Family& family, const model::RoutingPolicy& policy) {
  const std::string loaded = own_roa_is_loaded(family, policy);
  if (loaded.empty()) return "";
  return fmt::format(R"(  if net.type = {} then {{
    if {} then {{
      if roa_check(dn42_{}, net, bgp_path.last) != ROA_VALID then reject;
    }}
  }}
)",
                     family.net_type, loaded, family.roa);
}

std::string refuse_invalid(const model::RoutingPolicy& policy) {
  std::string out = "\n# Routes that nobody may send to this network.\nfunction moenet_refuse_invalid()\n{\n";
  out += reject_within(policy.own_prefixes) + reject_within(policy.blocked_prefixes) + "  moenet_refuse_unlisted();\n";
  out += fmt::format("  if bgp_path.len > {} then reject;\n", policy.as_path_max_len);
  if (!policy.blocked_asns.empty()) {
    out += fmt::format("  if bgp_path ~ [ {} ] then reject;\n", fmt::join(policy.blocked_asns, ", "));
  }
  for (const Family& family : kFamilies) out += check_origin(family, policy);
  return out + "}\n";
}

constexpr std::string_view kImports = R"(
function moenet_enter()
{
  moenet_tag_entry();
  moenet_prefer();
  if MOENET_LEAVE then bgp_local_pref = 0;
}

# All valid routes.
function moenet_import_valid()
{
  moenet_refuse_invalid();
  moenet_enter();
  accept;
}

# Valid routes that the neighbor itself originates.
function moenet_import_theirs()
{
  moenet_refuse_invalid();
  if bgp_path.first != bgp_path.last then reject;
  moenet_enter();
  accept;
}
)";

// A static of the operator's for another purpose stays here.
std::string check_static(const model::RoutingPolicy& policy) {
  std::string out = "\n# Of the statics those of this network leave.\nfunction moenet_check_static()\n{\n";
  for (const Family& family : kFamilies) {
    const std::vector<IpPrefix> networks = networks_of(policy.own_prefixes, family.family);
    out += networks.empty() ? fmt::format("  if net.type = {} then reject;\n", family.net_type)
                            : fmt::format("  if net.type = {} then {{ if ! (net ~ {}) then reject; }}\n",
                                          family.net_type, set_of(networks, "+"));
  }
  return out + "  moenet_tag_own();\n}\n";
}

constexpr std::string_view kExports = R"(
# All valid routes.
function moenet_export_valid()
{{
  if source = RTS_STATIC then moenet_check_static();
  else if source = RTS_BGP then moenet_refuse_unlisted();
  else reject;
  if MOENET_DRAIN then bgp_community.add({0});
  accept;
}}

# What this network originates: a static here, or one of another node, which has an empty path.
function moenet_export_own()
{{
  if source = RTS_STATIC then moenet_check_static();
  else if source = RTS_BGP then {{ if bgp_path.len > 0 then reject; }}
  else reject;
  if MOENET_DRAIN then bgp_community.add({0});
  accept;
}}
)";

}  // namespace

std::string policy_filters(const PolicyInput& input) {
  const model::RoutingPolicy& policy = input.policy.policy;
  const PolicyNames& names = input.names;
  std::string out = "# Prefixes that DN42 and its neighbors use.\nfunction moenet_refuse_unlisted()\n{\n";
  out += std::string(kRefuseOtherPrefixes) + "}\n" + refuse_invalid(policy) + std::string(kImports);
  out += check_static(policy) + fmt::format(kExports, kGracefulShutdown);
  out += fmt::format("\nfilter {} {{ moenet_import_valid(); }}\nfilter {} {{ moenet_import_theirs(); }}\n",
                     names.import_filter, names.import_theirs);
  out += fmt::format("filter {} {{ moenet_export_valid(); }}\nfilter {} {{ moenet_export_own(); }}\n",
                     names.export_filter, names.export_own);
  return out;
}

}  // namespace moenet::bird
