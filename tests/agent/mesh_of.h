// Meshes to test with.
#pragma once

#include <initializer_list>

#include <fmt/format.h>

#include "model/mesh.h"

namespace moenet::agent {

inline Key mesh_key_of(model::NodeId node) {
  Key::Bytes bytes{};
  bytes[0] = static_cast<std::uint8_t>(node);
  bytes[31] = 1;
  return Key(bytes);
}

inline model::MeshPeer mesh_peer_of(model::NodeId node) {
  model::MeshPeer peer;
  peer.node_id = node;
  peer.name = fmt::format("node{}", node);
  peer.loopback_ipv4 = *IpAddress::parse(fmt::format("172.22.{}.{}", 188 + node / 256, node % 256));
  peer.public_key = mesh_key_of(node);
  peer.endpoint = HostPort{fmt::format("192.0.2.{}", node % 256), 51822};
  return peer;
}

// As node 2 is told it.
inline model::Mesh mesh_of(std::initializer_list<model::NodeId> nodes) {
  model::Mesh mesh;
  mesh.self.node_id = 2;
  for (const model::NodeId node : nodes) mesh.peers.push_back({node, mesh_peer_of(node)});
  return mesh;
}

}  // namespace moenet::agent
