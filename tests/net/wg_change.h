// Changes to a WireGuard device, for tests.
#pragma once

#include <utility>

#include "net/wireguard.h"

namespace moenet::net::testing {

// What makes any device this one.
inline WgChange change_to(const WgDevice& device) {
  WgChange change;
  change.private_key = device.private_key;
  change.listen_port = device.listen_port;
  change.replace_peers = true;
  for (const auto& peer : device.peers) {
    WgPeerChange wanted;
    wanted.public_key = peer.public_key;
    wanted.preshared_key = peer.preshared_key;
    wanted.endpoint = peer.endpoint;
    wanted.keepalive = peer.keepalive;
    wanted.allowed_ips = peer.allowed_ips;
    change.peers.push_back(std::move(wanted));
  }
  return change;
}

}  // namespace moenet::net::testing
