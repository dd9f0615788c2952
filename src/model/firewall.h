// Firewall: what a node should let in, said without a word of how (net/nftables.h does that). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ip.h"

namespace moenet::model {

struct Firewall {
  // UDP ports that anybody may reach: those on which tunnels, of sessions and of the mesh, are listened for. Sorted,
  // unique, never 0.
  std::vector<std::uint16_t> udp_ports;
  // Exact names of the interfaces on which BGP, BFD and Babel are spoken: 1…15 bytes of [A-Za-z0-9_.-]. Sorted, unique.
  std::vector<std::string> tunnel_interfaces;
  // Far ends of GRE tunnels, whose protocol 47 is let in. Sorted, unique.
  std::vector<IpAddress> gre_peers{};

  friend bool operator==(const Firewall&, const Firewall&) = default;
};

}  // namespace moenet::model
