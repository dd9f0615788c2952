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

// Where the peer reaches us. Who knows no address of ours waits until we dial them, if we know one of theirs.
std::string endpoint_line(const json::value& session, const json::value& node) {
  const std::string name = text(node, "name");
  const std::string ipv4 = text(node, "publicIpv4");
  const std::string ipv6 = text(node, "publicIpv6");
  const bool is_known = ipv4 != "-" || ipv6 != "-";
  if (!is_known && text(session, "endpoint") != "-") return fmt::format("# no Endpoint: {} dials you\n", name);
  const std::string host = ipv4 != "-" ? ipv4 : is_known ? "[" + ipv6 + "]" : "ADDRESS-OF-" + name;
  return fmt::format("Endpoint = {}:{}\n", host, text(session, "port"));
}

// The peer's interface to this node: short enough for every id, and no other's.
std::string link_name(const json::value& node) { return fmt::format("moenet-{}", text(node, "id")); }

}  // namespace

std::string wireguard_snippet(const json::value& session, const json::value& node) {
  std::string addresses;
  if (uses_link_local(session)) {
    const std::string own =
        text(session, "ipv6").starts_with("fe80:") ? text(session, "ipv6") : text(session, "ipv6LinkLocal");
    addresses += fmt::format("PostUp = ip addr add {}/64 dev %i\n", own);
  } else if (text(session, "ipv6") != "-") {
    addresses += fmt::format("PostUp = ip addr add {}/128 peer {}/128 dev %i\n", text(session, "ipv6"),
                             text(node, "loopbackIpv6"));
  }
  if (text(session, "ipv4") != "-") {
    addresses += fmt::format("PostUp = ip addr add {}/32 peer {}/32 dev %i\n", text(session, "ipv4"),
                             text(node, "loopbackIpv4"));
  }
  const std::string endpoint = text(session, "endpoint");
  const std::size_t colon = endpoint.rfind(':');
  return fmt::format(
      "# /etc/wireguard/{}.conf\n[Interface]\nPrivateKey = YOUR-PRIVATE-KEY\n{}MTU = {}\nTable = off\n{}\n"
      "[Peer]\nPublicKey = {}\n{}{}AllowedIPs = 0.0.0.0/0, ::/0\n",
      link_name(node), colon == std::string::npos ? "" : fmt::format("ListenPort = {}\n", endpoint.substr(colon + 1)),
      text(session, "mtu"), addresses, text(node, "publicKey", "KEY-OF-" + text(node, "name")),
      is_true(session, "hasPresharedKey") ? "PresharedKey = AS-AGREED\n" : "", endpoint_line(session, node));
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
