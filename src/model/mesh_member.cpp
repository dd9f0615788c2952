#include "model/mesh_member.h"

namespace moenet::model {

namespace {

constexpr std::size_t kNameBytesMax = 255;      // chosen: a name is one line
constexpr std::int64_t kRegionCodeMax = 9'999;  // its decimal digits are one hextet (wire contract A11)

}  // namespace

NodeId read_node_id(const JsonReader& row, std::string_view key) {
  return static_cast<NodeId>(row.required_integer(key, 1, kLastNodeId).value_or(0));
}

int read_region_code(const JsonReader& row) {
  return static_cast<int>(row.integer("regionCode", 0, kRegionCodeMax).value_or(0));
}

std::optional<IpAddress> read_loopback(const JsonReader& row, std::string_view key, IpFamily family) {
  std::optional<IpAddress> address = row.address(key, family);
  if (!address || (!address->is_loopback() && !address->is_link_local())) return address;
  row.note(key, "an address that other nodes can reach");
  return std::nullopt;
}

MeshMember read_member(const JsonReader& row) {
  MeshMember member;
  member.node_id = read_node_id(row, "nodeId");
  member.name = row.free_text("nodeName", kNameBytesMax);
  member.region_code = read_region_code(row);
  member.loopback_ipv4 = read_loopback(row, "loopbackIpv4", IpFamily::v4);
  member.loopback_ipv6 = read_loopback(row, "loopbackIpv6", IpFamily::v6);
  member.is_rr = row.boolean("isRr").value_or(false);
  return member;
}

}  // namespace moenet::model
