// Arbitrary WireGuard devices for properties.
#pragma once

#include <algorithm>
#include <array>
#include <set>

#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "net/wireguard.h"

namespace moenet::net::testing {

inline Key arbitrary_key() {
  auto bytes = *rc::gen::arbitrary<Key::Bytes>();
  bytes[0] = static_cast<std::uint8_t>(bytes[0] | 1U);  // never zero
  return Key(bytes);
}

inline IpAddress arbitrary_address() {
  if (*rc::gen::arbitrary<bool>()) return IpAddress::v4(*rc::gen::arbitrary<std::array<std::uint8_t, 4>>());
  return IpAddress::v6(*rc::gen::arbitrary<std::array<std::uint8_t, 16>>());
}

inline WgPeer arbitrary_peer() {
  WgPeer peer;
  peer.public_key = arbitrary_key();
  if (*rc::gen::arbitrary<bool>()) peer.preshared_key = arbitrary_key();
  if (*rc::gen::arbitrary<bool>())
    peer.endpoint = Endpoint{arbitrary_address(), *rc::gen::inRange<std::uint16_t>(1, 65535)};
  peer.keepalive = std::chrono::seconds(*rc::gen::arbitrary<std::uint16_t>());
  const auto count = *rc::gen::element(0, 1, 2, 3, 100);
  for (int i = 0; i < count; ++i) {
    const IpAddress address = arbitrary_address();
    const auto length = *rc::gen::inRange<unsigned>(0, address.bits() + 1);
    peer.allowed_ips.push_back({address, static_cast<std::uint8_t>(length)});
  }
  return peer;
}

// Sorted, as `get` gives it; no handshake and no traffic.
inline WgDevice arbitrary_device() {
  WgDevice device;
  device.name = "dn42_4242420001";
  device.private_key = arbitrary_key();
  device.listen_port = *rc::gen::arbitrary<std::uint16_t>();
  std::set<Key> keys;
  const auto count = *rc::gen::element(0, 1, 2, 20);
  for (int i = 0; i < count; ++i) {
    WgPeer peer = arbitrary_peer();
    if (keys.insert(peer.public_key).second) device.peers.push_back(std::move(peer));
  }
  sort_wg_device(device);
  return device;
}

}  // namespace moenet::net::testing
