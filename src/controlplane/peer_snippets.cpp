#include "controlplane/peer_snippets.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "bird/dn42_prefixes.h"
#include "controlplane/view_text.h"

namespace moenet::controlplane {

namespace {

namespace json = boost::json;
using view::is_true;
using view::text;

// The peer's and our address of one link, by the rule that the agent uses: link-local before the rest.
bool uses_link_local(const json::value& session) {
  return text(session, "ipv6LinkLocal") != "-" || text(session, "ipv6").starts_with("fe80:");
}

// The peer's interface to this node: short enough for every id, and no other's.
std::string link_name(const json::value& node) { return fmt::format("moenet-{}", text(node, "id")); }

// The peer's end of the link: a line of `ip` for each address.
std::string address_lines(const json::value& session, const json::value& node, std::string_view before,
                          std::string_view link) {
  std::string lines;
  const auto add = [&](const std::string& address) {
    lines += fmt::format("{}ip addr add {} dev {}\n", before, address, link);
  };
  if (uses_link_local(session)) {
    add((text(session, "ipv6").starts_with("fe80:") ? text(session, "ipv6") : text(session, "ipv6LinkLocal")) + "/64");
  } else if (text(session, "ipv6") != "-") {
    add(fmt::format("{}/128 peer {}/128", text(session, "ipv6"), text(node, "loopbackIpv6")));
  }
  if (text(session, "ipv4") != "-")
    add(fmt::format("{}/32 peer {}/32", text(session, "ipv4"), text(node, "loopbackIpv4")));
  return lines;
}

}  // namespace

bool is_gre(const json::value& session) { return text(session, "type").ends_with("gre"); }

std::string wireguard_snippet(const json::value& session, const json::value& node) {
  const std::string addresses = address_lines(session, node, "PostUp = ", "%i");
  const std::string ipv4 = text(node, "publicIpv4");
  const std::string host = ipv4 != "-"                       ? ipv4
                           : text(node, "publicIpv6") != "-" ? "[" + text(node, "publicIpv6") + "]"
                                                             : "ADDRESS-OF-" + text(node, "name");
  const std::string endpoint = text(session, "endpoint");
  const std::size_t colon = endpoint.rfind(':');
  return fmt::format(
      "# /etc/wireguard/{}.conf\n[Interface]\nPrivateKey = YOUR-PRIVATE-KEY\n{}MTU = {}\nTable = off\n{}\n"
      "[Peer]\nPublicKey = {}\n{}Endpoint = {}:{}\nAllowedIPs = 0.0.0.0/0, ::/0\n",
      link_name(node), colon == std::string::npos ? "" : fmt::format("ListenPort = {}\n", endpoint.substr(colon + 1)),
      text(session, "mtu"), addresses, text(node, "publicKey", "KEY-OF-" + text(node, "name")),
      is_true(session, "hasPresharedKey") ? "PresharedKey = AS-AGREED\n" : "", host, text(session, "port"));
}

std::string gre_snippet(const json::value& session, const json::value& node) {
  const bool is_v6 = text(session, "type") == "ip6gre";
  const std::string key = text(session, "greKey");
  const std::string name = link_name(node);
  return fmt::format(
      "ip link add {} type {} remote {} local YOUR-{}-ADDRESS ttl 64 tos inherit{}{}\n"
      "ip link set {} mtu {} addrgenmode none up\n{}",
      name, text(session, "type"), text(node, is_v6 ? "publicIpv6" : "publicIpv4", "ADDRESS-OF-" + text(node, "name")),
      is_v6 ? "IPV6" : "IPV4", is_v6 ? " encaplimit none" : "", key == "-" ? "" : " key " + key, name,
      text(session, "mtu"), address_lines(session, node, "", name));
}

// Its own filter, so that it does not depend on what the peer has: DN42's prefixes go both ways, and nothing that was
// learned from elsewhere than BGP.
std::string bird2_snippet(const json::value& session, const json::value& node, std::int64_t our_asn) {
  const bool v6 = uses_link_local(session) || text(session, "ipv6") != "-";
  const std::string neighbor = uses_link_local(session)
                                   ? fmt::format("{} % '{}'", text(node, "linkLocal"), link_name(node))
                               : v6 ? text(node, "loopbackIpv6")
                                    : text(node, "loopbackIpv4");
  const bool mp_bgp = is_true(session, "mpBgp");
  const std::string name = fmt::format("moenet_{}", text(node, "id"));
  std::string channels;
  const auto channel = [&](std::string_view family, bool has_extended_next_hop) {
    channels += fmt::format("  {} {{\n{}    import filter {}_routes;\n    export filter {}_routes;\n  }};\n", family,
                            has_extended_next_hop ? "    extended next hop on;\n" : "", name, name);
  };
  if (v6 || mp_bgp) channel("ipv6", false);
  if (!v6 || mp_bgp) channel("ipv4", is_true(session, "extendedNextHop"));
  return fmt::format(
      "filter {}_routes {{\n{}  if ! (source ~ [ RTS_STATIC, RTS_BGP ]) then reject;\n  accept;\n}}\n"
      "protocol bgp {} {{\n  local as {};\n  neighbor {} as {};\n{}{}}}\n",
      name, bird::kRefuseOtherPrefixes, name, text(session, "asn"), neighbor, our_asn,
      is_true(session, "hasPassword") ? "  password \"AS-AGREED\";\n" : "", channels);
}

}  // namespace moenet::controlplane
