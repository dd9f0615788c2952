// The mesh answer, from bytes to peers: no crash, and what was accepted can stand beside the rest.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string_view>

#include <boost/json/value.hpp>

#include "model/mesh.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace moenet;
  const auto data = model::read_envelope({reinterpret_cast<const char*>(bytes), size});
  if (!data) return 0;
  const auto mesh = model::read_mesh(*data);
  if (!mesh) return 0;
  std::set<model::NodeId> ids = {mesh->self.node_id};
  std::set<IpAddress> loopbacks;
  if (mesh->self.loopback_ipv4) loopbacks.insert(*mesh->self.loopback_ipv4);
  if (mesh->self.loopback_ipv6) loopbacks.insert(*mesh->self.loopback_ipv6);
  for (const model::MeshRow& row : mesh->peers) {
    if (!row.peer) continue;
    if (row.node_id < 1 || row.node_id > model::kLastNodeId || !ids.insert(row.node_id).second) std::abort();
    if (row.peer->loopback_ipv4 && !loopbacks.insert(*row.peer->loopback_ipv4).second) std::abort();
    if (row.peer->loopback_ipv6 && !loopbacks.insert(*row.peer->loopback_ipv6).second) std::abort();
    if (row.peer->endpoint && row.peer->endpoint->port == 0) std::abort();
  }
  return 0;
}
