#include "controlplane/mesh_report.h"

#include <algorithm>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "model/json_reader.h"

namespace moenet::controlplane {

namespace {

namespace json = boost::json;
using model::JsonReader;

constexpr std::size_t kMostState = 255;  // bytes; chosen: "error: …" on one line

json::value name_of(NodeId id, std::span<const Node> nodes) {
  const auto found = std::ranges::find(nodes, id, &Node::id);
  return found == nodes.end() ? json::value(nullptr) : json::value(found->name);
}

// A number from 0 up, whole or not; null for anything else.
json::value amount(const JsonReader& link, std::string_view key) {
  const json::value* value = link.find(key);
  if (value == nullptr || !value->is_number() || !(value->to_number<double>() >= 0)) return nullptr;
  return *value;
}

json::object entry_of(NodeId id, const JsonReader& peers, const JsonReader& links, std::span<const Node> nodes) {
  const std::string key = std::to_string(id);
  const JsonReader link = links.object(key);
  const std::string state = peers.free_text(key, kMostState);
  const auto babel = link.boolean("babel");
  json::object entry{{"id", id},
                     {"node", name_of(id, nodes)},
                     {"state", state.empty() ? json::value(nullptr) : json::value(state)},
                     {"handshakeAge", amount(link, "handshakeAge")},
                     {"babel", babel ? json::value(*babel) : json::value(nullptr)}};
  if (const json::value rtt = amount(link, "rtt"); !rtt.is_null()) entry["rtt"] = rtt;
  return entry;
}

}  // namespace

json::array mesh_links(std::string_view report, std::span<const Node> nodes) {
  const auto body = model::parse_json(report);
  if (!body) return {};
  std::vector<model::JsonFault> faults;  // nobody's: what is wrong is not shown
  const JsonReader reader(*body, faults);
  const JsonReader peers = reader.object("peers");
  const JsonReader links = reader.object("links");
  json::array entries;
  for (NodeId id = 1; id <= kMaxNodeId; ++id) {
    const std::string key = std::to_string(id);
    if (peers.has(key) || links.has(key)) entries.push_back(entry_of(id, peers, links, nodes));
  }
  return entries;
}

}  // namespace moenet::controlplane
