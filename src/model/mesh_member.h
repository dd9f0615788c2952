// Reads what the control plane says of any node of the network in the same fields, in `mesh` and in `bird-config` (wire
// contract A9, A10).
#pragma once

#include <optional>
#include <string_view>

#include "base/ip.h"
#include "model/json_reader.h"
#include "model/mesh.h"

namespace moenet::model {

// `nodeId nodeName regionCode loopbackIpv4 loopbackIpv6 isRr` of an object; whatever is wrong is noted in the reader,
// and an id that cannot be read is 0. `nodeType` is not read: `isRr` holds.
MeshMember read_member(const JsonReader& row);

// One field each, under the name that the writer gives it. An id must be there; 0, which is unallocated, is a fault.
NodeId read_node_id(const JsonReader& row, std::string_view key);
int read_region_code(const JsonReader& row);
// An address that other nodes can reach: neither link-local nor the host's own 127.0.0.0/8 or ::1.
std::optional<IpAddress> read_loopback(const JsonReader& row, std::string_view key, IpFamily family);

}  // namespace moenet::model
