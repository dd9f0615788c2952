// 40_ibgp.conf: BGP between the nodes of this network, from loopback to loopback.
#include <fmt/format.h>

#include "bird/policy_parts.h"

namespace moenet::bird {
namespace {

// The addresses of a session. IPv4 may have IPv6 next hops (RFC 8950), never the other way round: between IPv4
// loopbacks nothing but IPv4 goes.
struct Ends {
  const IpAddress& local;
  const IpAddress& peer;
};
std::optional<Ends> ends_of(const model::PolicyNode& node, const model::MeshMember& peer) {
  if (node.loopback_ipv6 && peer.loopback_ipv6) return Ends{*node.loopback_ipv6, *peer.loopback_ipv6};
  if (node.loopback_ipv4 && peer.loopback_ipv4) return Ends{*node.loopback_ipv4, *peer.loopback_ipv4};
  return std::nullopt;
}

// `next hop self ebgp`: this node for what came in here, while a reflected route keeps the node where it came in.
std::string channel(const Family& family, const model::RoutingPolicy& policy, const Dialect& dialect) {
  return fmt::format(R"(  {} {{
    import filter moenet_ibgp_import;
    export filter moenet_ibgp_export;
    next hop self ebgp;
{}    import limit {} action block;
    export limit {} action {};
  }};
)",
                     family.channel, family.family == IpFamily::v4 ? "    extended next hop on;\n" : "",
                     policy.ibgp_import_limit, policy.ibgp_export_limit, export_limit_action(dialect));
}

std::string session(const PolicyInput& input, const model::MeshMember& peer, const Dialect& dialect) {
  const auto ends = ends_of(input.policy.node, peer);
  if (!ends) return "";
  std::string out = fmt::format("\nprotocol bgp ibgp_{} from moenet_ibgp\n{{\n", peer.node_id);
  if (!peer.name.empty()) out += fmt::format("  description {};\n", quote(peer.name));
  out += fmt::format("  local {};\n  neighbor {} as {};\n", ends->local.text(), ends->peer.text(),
                     input.policy.policy.asn);
  if (input.policy.node.is_rr && !peer.is_rr) out += "  rr client;\n";
  for (const Family& family : kFamilies) {
    if (family.family == IpFamily::v4 || ends->local.is_v6()) out += channel(family, input.policy.policy, dialect);
  }
  return out + "}\n";
}

// Every node has the network's prefixes as statics. Over iBGP they would be better than the receiver's own, and two
// nodes would withdraw and announce them in turns.
std::string reject_own_statics(const std::vector<IpPrefix>& own) {
  std::string out = "\n# The network's prefixes are a static on each node.\nfunction moenet_refuse_aggregates()\n{\n";
  for (const Family& family : kFamilies) {
    const std::vector<IpPrefix> networks = networks_of(own, family.family);
    if (networks.empty()) continue;
    out +=
        fmt::format("  if net.type = {} then {{ if net ~ {} then reject; }}\n", family.net_type, set_of(networks, ""));
  }
  return out + "}\n";
}

constexpr std::string_view kFilters = R"(
filter moenet_ibgp_import
{
  moenet_refuse_aggregates();
  moenet_prefer();
  accept;
}

filter moenet_ibgp_export
{
  moenet_refuse_aggregates();
  if source = RTS_STATIC then {
    moenet_check_static();
    moenet_tag_entry();
  } else if source != RTS_BGP then reject;
  moenet_drain_entry();
  accept;
}
)";

// Found dead in 16 s: later than Babel has routed around a cut link (10 s, see policy_babel.cpp), earlier than BGP's
// hold time.
constexpr std::string_view kBfd = "\nprotocol bfd\n{\n  multihop { interval 2 s; multiplier 8; };\n}\n";

// Both ends are this network's own, so what ended may begin again at once: BIRD's defaults, made for neighbors with
// faults of their own, wait 1 to 5 minutes after an error and 2 between attempts to connect. Hold: BIRD shortens
// it by up to a quarter; chosen so that a tunnel which was away for seconds, and whose TCP connection retransmits ever
// more rarely, does not end the session (with 60 s it once did, 45 s after an outage of 5 s). Keepalive: when a
// reflector that came back tells a client that its old connection is gone.
constexpr std::string_view kTimers =
    "  connect delay time 1;\n  connect retry time 10;\n  error wait time 1, 10;\n  hold time 120;\n  keepalive time "
    "20;\n";

}  // namespace

std::string policy_ibgp(const PolicyInput& input, const Dialect& dialect) {
  std::string sessions;
  for (const model::MeshMember& peer : input.policy.ibgp_peers) sessions += session(input, peer, dialect);
  if (sessions.empty()) return "";
  std::string out =
      fmt::format("template bgp moenet_ibgp\n{{\n  local as {};\n  enable extended messages on;\n{}{}}}\n",
                  input.policy.policy.asn, kTimers, input.has_ibgp_bfd ? "  bfd on;\n" : "");
  if (input.has_ibgp_bfd) out += kBfd;
  out += reject_own_statics(input.policy.policy.own_prefixes);
  out += kFilters;
  return out + sessions;
}

}  // namespace moenet::bird
