// What the control plane says of any node of the network in the same fields, in `mesh` and in `bird-config` (wire
// contract A9, A10).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/ip.h"
#include "model/json_reader.h"
#include "model/mesh.h"

namespace moenet::model {

struct MeshMember {
  NodeId node_id = 0;  // 0: it cannot be read, and is a fault of the reader
  std::string name;
  int region_code = 0;
  std::optional<IpAddress> loopback_ipv4;
  std::optional<IpAddress> loopback_ipv6;
  bool is_rr = false;
};

// `nodeId nodeName regionCode loopbackIpv4 loopbackIpv6 isRr` of an object; whatever is wrong is noted in the reader.
// `nodeType` is not read: `isRr` holds.
MeshMember read_member(const JsonReader& row);

// One field each, under the name that the writer gives it. An id must be there; 0, which is unallocated, is a fault.
NodeId read_node_id(const JsonReader& row, std::string_view key);
int read_region_code(const JsonReader& row);
// An address that other nodes can reach: neither link-local nor the host's own 127.0.0.0/8 or ::1.
std::optional<IpAddress> read_loopback(const JsonReader& row, std::string_view key, IpFamily family);

}  // namespace moenet::model
