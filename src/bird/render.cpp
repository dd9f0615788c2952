#include "bird/render.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/utf8.h"
#include "bird/dn42_prefixes.h"
#include "bird/peer_folder.h"
#include "bird/policy.h"
#include "bird/router_id.h"

namespace moenet::bird {
namespace {

constexpr std::size_t kMostQuotedBytes = 128;
// Chosen: DN42 is six to seven networks across; what is longer is a leak or a loop of prepends.
constexpr unsigned kLongestPath = 8;
// Prefixes per family and session (DN42 custom; the whole of DN42 has about 2,000).
constexpr unsigned kImportLimit = 9000;

struct Filters {
  std::string import_filter;  // a name, or a body in braces
  const std::string& export_filter;
};

Filters named_filters(model::SessionPolicy policy, const PolicyNames& names) {
  switch (policy) {
    case model::SessionPolicy::full: return {names.import_filter, names.export_filter};
    case model::SessionPolicy::peer: return {names.import_theirs, names.export_own};
    case model::SessionPolicy::upstream: return {names.import_theirs, names.export_filter};
    case model::SessionPolicy::downstream: return {names.import_filter, names.export_own};
  }
  return {names.import_theirs, names.export_own};
}

// The link's communities are said in the filter itself, so that a change of them changes this session's routes only.
Filters filters_of(model::SessionPolicy policy, const PolicyNames& names, const LinkTags* tags) {
  Filters filters = named_filters(policy, names);
  if (tags == nullptr || *tags == LinkTags{}) return filters;
  const bool takes_all = policy == model::SessionPolicy::full || policy == model::SessionPolicy::downstream;
  const std::string loss = tags->loss_class == 0 ? "" : fmt::format("moenet_link_loss({}); ", tags->loss_class);
  filters.import_filter =
      fmt::format("{{ moenet_link({}, {}, {}); {}{}(); }}", tags->latency_tier, tags->bandwidth_mbit, tags->crypto,
                  loss, takes_all ? "moenet_import_valid" : "moenet_import_theirs");
  return filters;
}

// A family that the session does not carry is said to be closed: unsaid, it would be what the operator's template makes
// of it.
void add_channel(std::string& out, std::string_view family, bool is_carried, bool extended_next_hop,
                 const model::Session& session, const Filters& filters) {
  if (!is_carried) {
    out += fmt::format("  {} {{ import none; export none; }};\n", family);
    return;
  }
  out += fmt::format("  {} {{\n", family);
  if (extended_next_hop) out += "    extended next hop on;\n";
  out += fmt::format("    import filter {};\n    export filter {};\n", filters.import_filter, filters.export_filter);
  if (session.import_limit) out += fmt::format("    import limit {} action block;\n", *session.import_limit);
  out += "  };\n";
}

// One prefix set per family; nothing for a family without prefixes, because BIRD has no empty set.
void add_own_prefix_check(std::string& out, const std::vector<IpPrefix>& own, IpFamily family, std::string_view type) {
  std::string set;
  for (const IpPrefix& prefix : own) {
    if (prefix.address.family() == family) set += (set.empty() ? "" : ", ") + prefix.text() + "+";
  }
  if (!set.empty()) out += fmt::format("  if net.type = {} then {{ if net ~ [ {} ] then reject; }}\n", type, set);
}

std::string import_checks(const std::vector<IpPrefix>& own) {
  std::string out;
  add_own_prefix_check(out, own, IpFamily::v4, "NET_IP4");
  add_own_prefix_check(out, own, IpFamily::v6, "NET_IP6");
  out += kRefuseOtherPrefixes;
  out += fmt::format("  if bgp_path.len > {} then reject;\n", kLongestPath);
  out += "  if (65535, 0) ~ bgp_community then bgp_local_pref = 0;  # GRACEFUL_SHUTDOWN, RFC 8326\n";
  return out;
}

constexpr std::string_view kTheirsCheck = "  if bgp_path.first != bgp_path.last then reject;\n";

std::string filter(std::string_view name, std::string_view body) {
  return fmt::format("filter {}\n{{\n{}}}\n", name, body);
}

std::string export_filter(std::string_view name) {
  return filter(name, "  if source = RTS_STATIC then accept;\n  if source != RTS_BGP then reject;\n" +
                          std::string(kRefuseOtherPrefixes) + "  accept;\n");
}

// What this network originates is a static here, or came over iBGP and has an empty path.
std::string export_own(std::string_view name) {
  return filter(
      name,
      "  if source = RTS_STATIC then accept;\n  if source = RTS_BGP && bgp_path.len = 0 then accept;\n  reject;\n");
}

// With an import table, what a limit blocked can be taken again at any time (protocol_order.h).
// A channel that a protocol does not mention is inherited from its template (measured on 2.0.12, 2.17.6, 3.1.8).
std::string peer_template(const PolicyNames& names, std::string_view local_as) {
  std::string out = fmt::format("template bgp {}\n{{\n  local as {};\n  enable extended messages on;\n",
                                names.peer_template, local_as);
  for (const std::string_view family : {"ipv4", "ipv6"}) {
    out += fmt::format(
        "  {} {{ import none; export none; import keep filtered on; import table on; import limit {} action block; "
        "}};\n",
        family, kImportLimit);
  }
  return out + "}\n";
}

std::string kernel(std::string_view family, const std::optional<IpAddress>& source) {
  const std::string prefer = source ? fmt::format(" krt_prefsrc = {};", source->text()) : "";
  return fmt::format(
      "protocol kernel kernel_{0}\n{{\n  scan time 20;\n  {0} {{ import none; export filter {{ if source = RTS_STATIC "
      "|| source = RTS_DEVICE then reject;{1} "
      "accept; }}; }};\n}}\n",
      family, prefer);
}

std::string statics(std::string_view family, IpFamily which, const std::vector<IpPrefix>& own) {
  std::string routes;
  for (const IpPrefix& prefix : own) {
    if (prefix.address.family() == which) routes += fmt::format("  route {} reject;\n", prefix.text());
  }
  if (routes.empty()) return "";
  return fmt::format("protocol static own_{0}\n{{\n  {0} {{ preference 50; }};\n{1}}}\n", family, routes);
}

}  // namespace

std::string protocol_name(model::Asn asn) { return "dn42_" + std::to_string(asn); }

std::string quote(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const auto [code, bytes, valid] = first_utf8_character(text);
    std::string_view piece = text.substr(0, bytes);
    if (!valid || code < 0x20 || (code >= 0x7F && code < 0xA0)) piece = "?";
    if (code == '"') piece = "'";
    if (out.size() - 1 + piece.size() > kMostQuotedBytes) break;
    out += piece;
    text.remove_prefix(bytes);
  }
  return out + "\"";
}

Result<model::BirdFile> render_peer(const model::Session& session, const model::Peering& peering,
                                    const PolicyNames& names, const LinkTags* tags, bool says_source) {
  model::BirdFile file;
  const std::string name = protocol_name(session.asn);
  file.name = name + ".conf";
  file.owner = model::owner_of_session(session.uuid);
  std::string& out = file.text;
  out = ownership_line(file.owner);
  out += fmt::format("protocol bgp {} from {} {{\n", name, names.peer_template);
  const std::string_view description = session.description.empty() ? session.name : session.description;
  if (!description.empty()) out += fmt::format("  description {};\n", quote(description));
  // `% 'if'` also pins a neighbor that is no link-local to its tunnel; the AS number of our side is the template's.
  if (says_source) out += fmt::format("  local {};\n", peering.source.text());
  out += fmt::format("  neighbor {} % '{}' as {};\n", peering.neighbor.text(), session.interface_name, session.asn);
  if (session.bgp_password) {
    // Without `authentication md5;`, which 2.0.12 does not know; 2.17 and 3 assume it, with a warning in their log.
    if (!model::is_bird_password(session.bgp_password->reveal())) {
      return fail(Errc::invalid,
                  "password: holds a double quote or another character that BIRD's language cannot express");
    }
    out += fmt::format("  password {};\n", quote(session.bgp_password->reveal()));
  }
  const Filters filters = filters_of(session.policy, names, tags);
  add_channel(out, "ipv4", peering.carries_ipv4, peering.extended_next_hop, session, filters);
  add_channel(out, "ipv6", peering.carries_ipv6, false, session, filters);
  out += "}\n";
  out.shrink_to_fit();  // one for each session is kept, and growing has left half as much again behind it
  return file;
}

std::string render_base(const BaseConfig& base) {
  std::vector<IpPrefix> own = base.own_prefixes;
  std::sort(own.begin(), own.end());
  std::string out = ownership_line(kBaseOwner);
  out += fmt::format("log syslog all;\nrouter id {};\n\nprotocol device\n{{\n  scan time 10;\n}}\n",
                     router_id(base.node.name, base.node.ipv4));
  out += kernel("ipv4", base.node.ipv4) + kernel("ipv6", base.node.ipv6);
  out += "\n# This network's own prefixes: announced from here unless a better route to them is known.\n";
  out += statics("ipv4", IpFamily::v4, own) + statics("ipv6", IpFamily::v6, own);
  // No function returns a value: 2.0.12 does not know `-> bool`, and 3 warns at each load without it.
  out += "\nfunction moenet_refuse_invalid()\n{\n" + import_checks(own) + "}\n\n";
  out += "# Accept all valid routes.\n" + filter(base.names.import_filter, "  moenet_refuse_invalid();\n  accept;\n");
  out += "# Accept valid routes that the neighbor itself originates.\n" +
         filter(base.names.import_theirs, "  moenet_refuse_invalid();\n" + std::string(kTheirsCheck) + "  accept;\n");
  out += "# Send all valid routes.\n" + export_filter(base.names.export_filter);
  out += "# Send what this network originates.\n" + export_own(base.names.export_own) + "\n";
  out += peer_template(base.names, std::to_string(base.local_asn));
  out += fmt::format("\n{}\n", include_line(base.peer_folder));
  return out;
}

std::string include_line(std::string_view peer_folder) { return fmt::format("include \"{}/*.conf\";", peer_folder); }

std::string snippet_for(std::string_view missing_name, const PolicyNames& names) {
  const std::string own = "  # also reject your own prefixes here:  if net ~ [ 172.20.0.0/27+ ] then reject;\n";
  if (missing_name == names.peer_template) return peer_template(names, "4242420000  /* your own AS number */");
  if (missing_name == names.import_filter) return filter(missing_name, own + import_checks({}) + "  accept;\n");
  if (missing_name == names.import_theirs) {
    return filter(missing_name, own + import_checks({}) + std::string(kTheirsCheck) + "  accept;\n");
  }
  if (missing_name == names.export_filter) return export_filter(missing_name);
  if (missing_name == names.export_own) return export_own(missing_name);
  return "";
}

}  // namespace moenet::bird
