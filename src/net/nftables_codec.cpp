#include "net/nftables_codec.h"

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/log.h"

namespace moenet::net {

namespace {

namespace json = boost::json;

constexpr std::string_view kFamily = "inet";
constexpr std::size_t kNameBytesMax = 15;  // IFNAMSIZ less its NUL

constexpr int kBgpPort = 179;
constexpr int kGre = 47;  // IANA protocol numbers; names would need /etc/protocols
constexpr int kIcmpV6 = 58;
// nft's names for priorities (nft(8)): filter is 0, mangle -150. Ours of the input hook is just before filter, where
// hosts have their own chain, so that it sees the mark.
constexpr int kBeforeFilter = -10;
constexpr int kMangle = -150;

json::object ours() { return {{"family", kFamily}, {"table", kFirewallTable}}; }

json::value table() { return {{"table", {{"family", kFamily}, {"name", kFirewallTable}}}}; }

json::value set(std::string_view name, std::string_view type) {
  json::object set = ours();
  set["name"] = name;
  set["type"] = type;
  return {{"set", std::move(set)}};
}

json::value base_chain(std::string_view hook, int priority) {
  json::object chain = ours();
  chain["name"] = hook;
  chain["type"] = "filter";
  chain["hook"] = hook;
  chain["prio"] = priority;
  chain["policy"] = "accept";
  return {{"chain", std::move(chain)}};
}

json::value match(json::value left, json::value right, std::string_view op = "==") {
  return {{"match", {{"op", op}, {"left", std::move(left)}, {"right", std::move(right)}}}};
}
json::value meta(std::string_view key) { return {{"meta", {{"key", key}}}}; }
json::value field(std::string_view protocol, std::string_view name) {
  return {{"payload", {{"protocol", protocol}, {"field", name}}}};
}
json::value in_set(json::value left, std::string_view set) {
  return match(std::move(left), json::string(fmt::format("@{}", set)));
}
json::value on_tunnel(std::string_view direction) { return in_set(meta(direction), kTunnelSet); }
json::value set_mark() {
  return {{"mangle", {{"key", meta("mark")}, {"value", {{"|", {meta("mark"), kFirewallMark}}}}}}};
}
// The kernel only ever lowers an MSS, to what the narrower of the routes there and back allows (nft_rt.c,
// nft_exthdr.c).
json::value clamp_mss() {
  return {
      {"mangle",
       {{"key", {{"tcp option", {{"name", "maxseg"}, {"field", "size"}}}}}, {"value", {{"rt", {{"key", "mtu"}}}}}}}};
}
json::value verdict(std::string_view word) { return {{word, nullptr}}; }

json::value rule(std::string_view chain, std::string_view comment, std::initializer_list<json::value> expressions) {
  json::object rule = ours();
  rule["chain"] = chain;
  rule["comment"] = comment;
  rule["expr"] = json::array(expressions.begin(), expressions.end());
  return {{"rule", std::move(rule)}};
}

// The chains and rules, in the order in which they are made, in the very form in which nft 1.0.6 and 1.1.3 list them.
std::vector<json::value> chains_and_rules() {
  const json::value accept = verdict("accept");
  const json::value bgp = match(field("tcp", "dport"), kBgpPort);
  const json::value syn = match(field("tcp", "flags"), "syn", "in");
  return {
      base_chain("input", kBeforeFilter),
      base_chain("forward", kMangle),
      base_chain("output", kMangle),
      rule("input", "tunnels of peers and of the mesh", {in_set(field("udp", "dport"), kPortSet), set_mark(), accept}),
      rule("input", "GRE of peers over IPv4",
           {match(meta("l4proto"), kGre), in_set(field("ip", "saddr"), kGreSet), set_mark(), accept}),
      rule("input", "GRE of peers over IPv6",
           {match(meta("l4proto"), kGre), in_set(field("ip6", "saddr"), kIp6GreSet), set_mark(), accept}),
      rule("input", "BGP", {on_tunnel("iifname"), bgp, set_mark(), accept}),
      rule("input", "BGP within the node", {match(meta("iifname"), "lo"), bgp, accept}),
      rule("input", "BGP from anywhere else", {bgp, verdict("drop")}),
      // BFD of one hop (RFC 5881) and of more (RFC 5883), Babel (RFC 8966)
      rule("input", "BFD and Babel",
           {on_tunnel("iifname"), match(field("udp", "dport"), {{"set", {3784, 4784, 6696}}}), set_mark(), accept}),
      rule("input", "neighbor discovery, path MTU",
           {on_tunnel("iifname"), match(meta("l4proto"), kIcmpV6), set_mark(), accept}),
      rule("forward", "transit", {on_tunnel("iifname"), on_tunnel("oifname"), set_mark()}),
      rule("forward", "MSS to tunnels", {on_tunnel("oifname"), syn, clamp_mss()}),
      rule("forward", "MSS from tunnels", {on_tunnel("iifname"), syn, clamp_mss()}),
      rule("output", "MSS to tunnels", {on_tunnel("oifname"), syn, clamp_mss()}),
  };
}

json::value with_elements(json::value set, json::array elements) {
  if (!elements.empty()) set.as_object()["set"].as_object()["elem"] = std::move(elements);
  return set;
}

json::array array_of(const std::vector<std::uint16_t>& ports) { return json::array(ports.begin(), ports.end()); }
json::array array_of(const std::vector<std::string>& names) {
  json::array array;
  for (const std::string_view name : names) array.emplace_back(name);
  return array;
}

// Those of one family, as their set has them.
std::vector<std::string> peers_of(const FirewallRules& rules, IpFamily family) {
  std::vector<std::string> peers;
  for (const IpAddress& peer : rules.gre_peers) {
    if (peer.family() == family) peers.push_back(peer.text());
  }
  std::ranges::sort(peers);
  return peers;
}

// The sets, with what is in them.
json::array sets_of(const FirewallRules& rules) {
  return {with_elements(set(kPortSet, "inet_service"), array_of(rules.udp_ports)),
          with_elements(set(kTunnelSet, "ifname"), array_of(rules.tunnel_interfaces)),
          with_elements(set(kGreSet, "ipv4_addr"), array_of(peers_of(rules, IpFamily::v4))),
          with_elements(set(kIp6GreSet, "ipv6_addr"), array_of(peers_of(rules, IpFamily::v6)))};
}

std::string transaction(json::array commands) {
  return json::serialize(json::object{{"nftables", std::move(commands)}});
}

json::value command(std::string_view verb, json::value object) { return json::object{{verb, std::move(object)}}; }

// {"add": {"element": …}} of the values that are in `wanted` and not in `there`.
template <class T>
void append_missing(json::array& commands, std::string_view verb, std::string_view name, const std::vector<T>& wanted,
                    const std::vector<T>& there) {
  std::vector<T> missing;
  std::ranges::set_difference(wanted, there, std::back_inserter(missing));
  if (missing.empty()) return;
  json::object element = ours();
  element["name"] = name;
  element["elem"] = array_of(missing);
  commands.push_back(command(verb, {{"element", std::move(element)}}));
}

}  // namespace

bool is_interface_name(std::string_view name) {
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-';
  };
  return !name.empty() && name.size() <= kNameBytesMax && name != "." && name != ".." &&
         std::ranges::all_of(name, is_allowed);
}

Result<void> validate(const FirewallRules& rules) {
  if (std::ranges::find(rules.udp_ports, 0) != rules.udp_ports.end()) return fail(Errc::invalid, "UDP port 0");
  if (std::ranges::adjacent_find(rules.udp_ports, std::ranges::greater_equal()) != rules.udp_ports.end()) {
    return fail(Errc::invalid, "UDP ports out of order");
  }
  for (const auto& name : rules.tunnel_interfaces) {
    if (!is_interface_name(name)) {
      return fail(Errc::invalid, fmt::format("'{}' is no interface name", escape_for_log(name, 40)));
    }
  }
  if (std::ranges::adjacent_find(rules.tunnel_interfaces, std::ranges::greater_equal()) !=
      rules.tunnel_interfaces.end()) {
    return fail(Errc::invalid, "interface names out of order");
  }
  if (std::ranges::adjacent_find(rules.gre_peers, std::ranges::greater_equal()) != rules.gre_peers.end())
    return fail(Errc::invalid, "GRE peers out of order");
  return {};
}

std::string encode_replacement(const FirewallRules& rules) {
  json::array commands{command("add", table()), command("delete", table()), command("add", table())};
  for (auto& set : sets_of(rules)) commands.push_back(command("add", std::move(set)));
  for (auto& object : chains_and_rules()) commands.push_back(command("add", std::move(object)));
  return transaction(std::move(commands));
}

std::string encode_change(const FirewallRules& from, const FirewallRules& to) {
  json::array commands;
  const auto append = [&](std::string_view verb, const FirewallRules& wanted, const FirewallRules& there) {
    append_missing(commands, verb, kPortSet, wanted.udp_ports, there.udp_ports);
    append_missing(commands, verb, kTunnelSet, wanted.tunnel_interfaces, there.tunnel_interfaces);
    for (const auto& [set, family] : {std::pair(kGreSet, IpFamily::v4), std::pair(kIp6GreSet, IpFamily::v6)})
      append_missing(commands, verb, set, peers_of(wanted, family), peers_of(there, family));
  };
  append("delete", from, to);
  append("add", to, from);
  return commands.empty() ? std::string() : transaction(std::move(commands));
}

std::string encode_removal() { return transaction({command("add", table()), command("delete", table())}); }

std::string encode_table_query() { return transaction({command("list", table())}); }

std::string encode_chains_query() { return transaction({command("list", {{"chains", nullptr}})}); }

std::string encode_listing(const FirewallRules& rules) {
  json::array objects{table()};
  for (auto& set : sets_of(rules)) objects.push_back(std::move(set));
  for (auto& object : chains_and_rules()) objects.push_back(std::move(object));
  return transaction(std::move(objects));
}

}  // namespace moenet::net
