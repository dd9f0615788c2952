#include "controlplane/node_draft.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include <boost/json.hpp>

#include "base/uuid.h"
#include "controlplane/addressing.h"
#include "controlplane/community_names.h"
#include "model/json_reader.h"

namespace moenet::controlplane {

namespace {

namespace json = boost::json;

constexpr std::size_t kMostText = 64;
constexpr std::size_t kMostNote = 255;
constexpr std::int64_t kMostSessions = 10'000;  // chosen: there are fewer listen ports for them

constexpr std::int64_t kMostBandwidthMbit = 1'000'000;  // as of a session

// Names stand in URLs, BIRD protocol names and host names; one that reads as a uuid would hide the node.
bool is_node_name(std::string_view name) {
  const auto is_allowed = [](unsigned char c) {
    return (std::isalnum(c) != 0 && c < 0x80) || c == '-' || c == '_' || c == '.';
  };
  return !name.empty() && name.size() <= 32 && std::ranges::all_of(name, is_allowed) && name.front() != '.' &&
         !is_uuid(name);
}

void read_text(const model::JsonReader& reader, std::string_view key, std::string& value,
               std::size_t most = kMostText) {
  const auto text = reader.text(key, most);
  if (!text) return;
  if (std::ranges::any_of(*text, [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
    reader.note(key, "text without control characters");
  value = *text;
}

// Null and "" take the operator's address away.
void read_address(const model::JsonReader& reader, std::string_view key, IpFamily family, std::string& value) {
  if (!reader.has(key)) return;
  const auto address = reader.address(key, family);
  value = address ? address->text() : std::string();
}

void read_identity(const model::JsonReader& reader, Node& node) {
  if (const auto name = reader.text("name", kMostText)) node.name = *name;
  if (!is_node_name(node.name)) reader.note("name", "a node name (1 to 32 of A-Z a-z 0-9 . _ -)");
  if (const auto id = reader.integer("id", 1, kMaxNodeId)) node.id = static_cast<NodeId>(*id);
}

// Null: no limits, open, no note.
void read_peering_of(const model::JsonReader& reader, Node& node) {
  if (reader.has("maxSessions"))
    node.max_sessions = static_cast<int>(reader.integer("maxSessions", 0, kMostSessions).value_or(0));
  if (reader.has("closed")) node.is_closed = reader.boolean("closed").value_or(false);
  if (reader.has("minBandwidthMbit"))
    node.min_bandwidth_mbit = static_cast<int>(reader.integer("minBandwidthMbit", 0, kMostBandwidthMbit).value_or(0));
  if (!reader.has("peeringNote")) return;
  node.peering_note.clear();
  read_text(reader, "peeringNote", node.peering_note, kMostNote);
}

}  // namespace

Checked<Node> merge_node(Node node, const json::value& changes) {
  if (!changes.is_object()) return refuse(Errc::invalid, "expected an object");
  std::vector<model::JsonFault> faults;
  const model::JsonReader reader(changes, faults);
  const bool is_new = node.id == 0;
  const auto unknown = is_new
                           ? reader.unknown_keys({"name", "id", "region", "location", "provider", "isRr", "bandwidth",
                                                  "loopbackIpv4", "loopbackIpv6", "publicIpv4", "publicIpv6",
                                                  "maxSessions", "closed", "peeringNote", "minBandwidthMbit"})
                           : reader.unknown_keys({"region", "location", "provider", "isRr", "bandwidth", "loopbackIpv4",
                                                  "loopbackIpv6", "publicIpv4", "publicIpv6", "maxSessions", "closed",
                                                  "peeringNote", "minBandwidthMbit"});
  if (!unknown.empty())
    return refuse(Errc::invalid, is_new ? "no such member" : "no such member, or one that cannot change",
                  unknown.front());
  if (is_new) read_identity(reader, node);
  if (const auto region = reader.text("region", kMostText)) {
    const Region* found = find_region(*region);
    if (found == nullptr)
      reader.note("region", "a region such as AS-E or 101");
    else
      node.region_code = found->code;
  } else if (is_new) {
    reader.note("region", "a region such as AS-E or 101");
  }
  read_text(reader, "location", node.location);
  read_text(reader, "provider", node.provider);
  if (const auto rr = reader.boolean("isRr")) node.is_rr = *rr;
  if (const auto bandwidth = reader.text("bandwidth", kMostText)) {
    if (bandwidth_mbit(*bandwidth) == 0) reader.note("bandwidth", "a bandwidth such as 100M or 10G");
    node.bandwidth = *bandwidth;
  }
  read_address(reader, "loopbackIpv4", IpFamily::v4, node.loopback_ipv4);
  read_address(reader, "loopbackIpv6", IpFamily::v6, node.loopback_ipv6);
  read_address(reader, "publicIpv4", IpFamily::v4, node.public_ipv4);
  read_address(reader, "publicIpv6", IpFamily::v6, node.public_ipv6);
  read_peering_of(reader, node);
  if (!faults.empty()) return refuse(Errc::invalid, faults.front().reason(), faults.front().path);
  return node;
}

}  // namespace moenet::controlplane
