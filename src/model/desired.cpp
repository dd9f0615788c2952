#include "model/desired.h"

#include <charconv>

namespace moenet::model {
namespace {

constexpr std::string_view kSession = "session/";
constexpr std::string_view kMesh = "mesh/";

}  // namespace

Owner owner_of_session(std::string_view uuid) { return Owner(std::string(kSession).append(uuid)); }

Owner owner_of_mesh(NodeId node) { return Owner(std::string(kMesh) + std::to_string(node)); }

std::string_view session_of(std::string_view owner) {
  return owner.starts_with(kSession) ? owner.substr(kSession.size()) : std::string_view();
}

std::optional<NodeId> mesh_node_of(std::string_view owner) {
  if (!owner.starts_with(kMesh)) return std::nullopt;
  owner.remove_prefix(kMesh.size());
  NodeId node = 0;
  const auto [end, error] = std::from_chars(owner.data(), owner.data() + owner.size(), node);
  if (error != std::errc() || end != owner.data() + owner.size()) return std::nullopt;
  return node;
}

bool operator==(const DesiredPeering& a, const DesiredPeering& b) {
  const auto same = [](const auto& x, const auto& y) { return x == y || (x && y && *x == *y); };
  return a.owner == b.owner && a.asn == b.asn && a.intent == b.intent && same(a.tunnel, b.tunnel) &&
         same(a.bird_file, b.bird_file) && a.protocol == b.protocol && a.verdict == b.verdict &&
         a.endpoint_problem == b.endpoint_problem && a.has_named_endpoint == b.has_named_endpoint &&
         a.awaits_endpoint == b.awaits_endpoint;
}

}  // namespace moenet::model
