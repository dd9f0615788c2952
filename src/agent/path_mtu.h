// What the path beneath a tunnel carries, and what that says of the tunnel's MTU, as mtuTask publishes it for /status,
// /metrics and, where it is to be applied, for the desired tunnels.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ip.h"
#include "model/desired.h"

namespace moenet::agent {

struct TunnelPath {
  model::Owner owner;                           // a session or a neighbor in the mesh
  IpAddress endpoint;                           // that was asked
  std::uint32_t mtu_bytes = 0;                  // of the tunnel, then
  std::uint16_t overhead_bytes = 0;             // what the tunnel adds to each packet
  std::optional<std::uint16_t> path_mtu_bytes;  // whole IP packets to the endpoint; absent: it answers no echoes
  std::optional<IpAddress> named_by;            // the router that said so
  WallTime measured{};

  friend bool operator==(const TunnelPath&, const TunnelPath&) = default;
};
using TunnelPaths = std::vector<TunnelPath>;  // sorted by owner

// The largest MTU of a tunnel whose packets pass whole; absent while the path is not known.
std::optional<std::uint32_t> fitting_mtu(const TunnelPath& path);

// What a tunnel may be at most, because of its path.
struct MtuLimit {
  model::Owner owner;
  std::uint32_t mtu_bytes = 0;  // as fitting_mtu() says; never 0

  friend bool operator==(const MtuLimit&, const MtuLimit&) = default;
};
using MtuLimits = std::vector<MtuLimit>;  // sorted by owner

// The MTU of a tunnel that is asked to have `wanted_bytes`, 1280 or more, over a path for at most `limit_bytes`; 0: not
// known. Law, tested: it is from 1280, which IPv6 needs, to `wanted_bytes`.
std::uint32_t limited_mtu(std::uint32_t wanted_bytes, std::uint32_t limit_bytes);

// In an operator's words; empty when the MTU is good or nothing is known.
std::string mtu_advice(const TunnelPath& path);

}  // namespace moenet::agent
