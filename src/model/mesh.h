// Mesh: this node's place in its network and the nodes that it holds a tunnel to, as the control plane says (wire
// contract A9, GET /agent/{r}/mesh). What becomes of it on the node is agent/compose_mesh.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/fwd.hpp>

#include "base/ip.h"
#include "base/key.h"
#include "base/result.h"
#include "model/session_json.h"

namespace moenet::model {

// 1…999: what "dn42-wg-igp-<id>", which has 15 bytes at most, and 51820 + id are made of. 0: unallocated. The wire
// contract (A11) has 62, for that is what a /26 of loopbacks holds.
using NodeId = std::uint32_t;
inline constexpr NodeId kLastNodeId = 999;

// What the control plane says of any node of the network, this one and those it speaks iBGP with.
struct MeshMember {
  NodeId node_id = 0;
  std::string name;  // free text from outside: escape it wherever it goes
  int region_code = 0;
  std::optional<IpAddress> loopback_ipv4;
  std::optional<IpAddress> loopback_ipv6;
  bool is_rr = false;

  friend bool operator==(const MeshMember&, const MeshMember&) = default;
};

struct MeshPeer {
  NodeId node_id = 0;
  std::string name;  // free text from outside: escape it wherever it goes
  int region_code = 0;
  std::optional<IpAddress> loopback_ipv4;
  std::optional<IpAddress> loopback_ipv6;
  std::optional<Key> public_key;     // absent: not known yet, the peer has not reported one
  std::optional<Key> preshared_key;  // ours (B): the control plane gives one per pair of nodes, or none
  std::optional<HostPort> endpoint;  // absent: unknown, the peer dials us; its port is never 0
  std::uint32_t mtu_bytes = 1420;    // 1280…9000
  bool is_rr = false;

  friend bool operator==(const MeshPeer&, const MeshPeer&) = default;
};

// One row of `peers`: a peer, or why it is none. A faulty row is that peer's fault alone.
struct MeshRow {
  NodeId node_id = 0;  // 0: it has no readable id
  std::expected<MeshPeer, Fault> peer;

  friend bool operator==(const MeshRow&, const MeshRow&) = default;
};

struct Mesh {
  MeshMember self;
  std::vector<MeshRow> peers;  // sorted by node id; of rows with one id all but the first are faults
  bool all_identified = true;  // every row had a readable id: only then may absence mean removal

  friend bool operator==(const Mesh&, const Mesh&) = default;
};

// Reads the envelope's `data`; takes `self` as an object and its flat form (`localNodeId`, `localLoopback4`,
// `localLoopback6`). A row is a fault that names this node's own id or loopback, or a loopback of a peer before it.
// Errors: invalid, which names every fault (no object, no list of peers, anything wrong with this node itself).
Result<Mesh> read_mesh(const boost::json::value& data);

}  // namespace moenet::model
