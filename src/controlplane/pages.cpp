#include "controlplane/pages.h"

#include <algorithm>
#include <cstdint>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "controlplane/peer_snippets.h"
#include "controlplane/view_text.h"

namespace moenet::controlplane {

namespace {

namespace json = boost::json;
using view::is_true;
using view::text;

std::size_t width_of(std::string_view cell) {
  return static_cast<std::size_t>(
      std::ranges::count_if(cell, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

// How long ago a member's time was.
std::string age(const json::value& node, std::string_view member, std::int64_t now_ms) {
  const json::value* seen = node.as_object().if_contains(member);
  if (seen == nullptr || !seen->is_int64()) return "never";
  const std::int64_t seconds = std::max<std::int64_t>(0, (now_ms - seen->get_int64()) / 1000);
  if (seconds < 120) return fmt::format("{} s ago", seconds);
  return seconds < 7'200 ? fmt::format("{} min ago", seconds / 60) : fmt::format("{} h ago", seconds / 3'600);
}

// What an operator must know of a node before anything else.
std::string state_of(const json::value& node) {
  if (text(node, "state") == "leaving") return "leaving";
  return is_true(node, "draining") ? "draining" : "-";
}

// "4242420000-4242423999, 64512"; `otherwise` for an empty list.
std::string list_of(const json::value& peering, std::string_view member, std::string_view otherwise) {
  const json::value* list = peering.is_object() ? peering.get_object().if_contains(member) : nullptr;
  std::vector<std::string> items;
  for (const json::value& item : list != nullptr && list->is_array() ? list->get_array() : json::array()) {
    const bool is_range = item.is_array() && item.get_array().size() == 2;
    items.push_back(
        is_range ? fmt::format("{}-{}", json::serialize(item.get_array()[0]), json::serialize(item.get_array()[1]))
                 : json::serialize(item));
  }
  return items.empty() ? std::string(otherwise) : fmt::format("{}", fmt::join(items, ", "));
}

// What the node told of its mesh links; empty when it told none.
std::string mesh_part(const json::value& node, std::int64_t now_ms) {
  const json::value* mesh = node.as_object().if_contains("mesh");
  if (mesh == nullptr || !mesh->is_array() || mesh->get_array().empty()) return {};
  std::vector<std::vector<std::string>> rows{{"NODE", "STATE", "HANDSHAKE", "BABEL", "RTT"}};
  for (const json::value& link : mesh->get_array()) {
    const std::string handshake = text(link, "handshakeAge");
    const std::string rtt = text(link, "rtt");
    rows.push_back({text(link, "node", "id " + text(link, "id")), text(link, "state"),
                    handshake == "-" ? handshake : handshake + " s ago",
                    text(link, "babel") == "-" ? "-"
                    : is_true(link, "babel")   ? "neighbor"
                                               : "none",
                    rtt == "-" ? rtt : rtt + " ms"});
  }
  return fmt::format("\nmesh, told {}:\n\n{}", age(node, "meshReportedAt", now_ms), table(rows));
}

const json::value& report_of(const json::value& session) {
  static const json::value kNone;
  const json::value* report = session.as_object().if_contains("report");
  return report != nullptr ? *report : kNone;
}

}  // namespace

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] - width_of(row[i]) + 2, ' ');
    }
    out += line + "\n";
  }
  return out;
}

std::string nodes_page(const json::value& nodes, std::int64_t now_ms) {
  std::vector<std::vector<std::string>> rows{
      {"ID", "NAME", "REGION", "TYPE", "STATE", "IPV4", "IPV6", "AGENT", "SEEN"}};
  for (const json::value& node : nodes.as_array()) {
    rows.push_back({text(node, "id"), text(node, "name"), text(node, "region"), is_true(node, "isRr") ? "rr" : "client",
                    state_of(node), text(node, "loopbackIpv4"), text(node, "loopbackIpv6"), text(node, "agentVersion"),
                    age(node, "lastSeen", now_ms)});
  }
  return rows.size() == 1 ? "no nodes yet: moenet-controlplane node add NAME --region REGION\n" : table(rows);
}

std::string node_page(const json::value& node, std::int64_t now_ms) {
  std::string page = fmt::format("{}: node {}, {}, {}{}, seen {}\n", text(node, "name"), text(node, "id"),
                                 text(node, "region"), is_true(node, "isRr") ? "reflector" : "client",
                                 state_of(node) == "-" ? "" : ", " + state_of(node), age(node, "lastSeen", now_ms));
  for (const auto& [label, member] : {std::pair{"uuid", "uuid"},
                                      {"location", "location"},
                                      {"provider", "provider"},
                                      {"bandwidth", "bandwidth"},
                                      {"loopback ipv4", "loopbackIpv4"},
                                      {"loopback ipv6", "loopbackIpv6"},
                                      {"link-local", "linkLocal"},
                                      {"public ipv4", "publicIpv4"},
                                      {"public ipv6", "publicIpv6"},
                                      {"public key", "publicKey"},
                                      {"agent", "agentVersion"},
                                      {"most sessions", "maxSessions"},
                                      {"closed", "closed"},
                                      {"least Mbit/s", "minBandwidthMbit"},
                                      {"peering note", "peeringNote"}}) {
    page += fmt::format("  {:<15}{}\n", label, text(node, member));
  }
  return page + mesh_part(node, now_ms);
}

std::string sessions_page(const json::value& sessions) {
  std::vector<std::vector<std::string>> rows{
      {"NODE", "ASN", "STATUS", "BGP", "PORT", "ENDPOINT", "NAME", "LAST ERROR"}};
  for (const json::value& session : sessions.as_array()) {
    rows.push_back({text(session, "node"), text(session, "asn"), text(session, "status"),
                    text(report_of(session), "state"), text(session, "port"), text(session, "endpoint"),
                    text(session, "name"), text(session, "lastError", "")});
  }
  return rows.size() == 1 ? "no sessions\n" : table(rows);
}

std::string session_page(const json::value& session, const json::value& node, std::int64_t our_asn) {
  std::string page =
      fmt::format("AS{} on {}: {}\n", text(session, "asn"), text(session, "node"), text(session, "status"));
  if (text(session, "lastError") != "-") page += fmt::format("  last error   {}\n", text(session, "lastError"));
  for (const auto& [label, member] : {std::pair{"uuid", "uuid"},
                                      {"name", "name"},
                                      {"interface", "interface"},
                                      {"listen port", "port"},
                                      {"type", "type"},
                                      {"endpoint", "endpoint"},
                                      {"public key", "publicKey"},
                                      {"GRE key", "greKey"},
                                      {"link-local", "ipv6LinkLocal"},
                                      {"ipv6", "ipv6"},
                                      {"ipv4", "ipv4"},
                                      {"mtu", "mtu"},
                                      {"policy", "policy"},
                                      {"mp-bgp", "mpBgp"},
                                      {"ext. next hop", "extendedNextHop"}}) {
    page += fmt::format("  {:<15}{}\n", label, text(session, member));
  }
  const json::value& report = report_of(session);
  if (report.is_object()) {
    page += fmt::format("  {:<15}{}{}\n", "BGP", text(report, "state"),
                        text(report, "since") == "-" ? "" : " since " + text(report, "since"));
  }
  page += is_gre(session) ? "\nFor the peer, GRE:\n\n" + gre_snippet(session, node)
                          : "\nFor the peer, WireGuard (wg-quick):\n\n" + wireguard_snippet(session, node);
  page += "\nand BIRD:\n\n" + bird2_snippet(session, node, our_asn);
  return page;
}

std::string peering_page(const json::value& peering) {
  return fmt::format("  {:<20}{}\n  {:<20}{}\n  {:<20}{}\n  {:<20}{}\n  {:<20}{}\n  {:<20}{}\n", "approval",
                     text(peering, "approval"), "AS numbers", list_of(peering, "asnRanges", "any"), "allowed beside",
                     list_of(peering, "allowedAsns", "none"), "blocked", list_of(peering, "blockedAsns", "none"),
                     "private endpoints", is_true(peering, "privateEndpoints") ? "yes" : "no", "policy",
                     text(peering, "policy", "the peer chooses"));
}

}  // namespace moenet::controlplane
