// NodeConfig: what the control plane tells a node about itself (wire contract A4, GET /agent/{r}/config).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include <boost/json/fwd.hpp>

#include "base/ip.h"
#include "base/result.h"

namespace moenet::model {

// Strings are empty where the control plane says nothing. Paths are those of the deployed control plane's node, and
// hints only: what the node's own file says wins.
struct NodeConfig {
  struct Node {
    std::string name;
    std::optional<std::uint32_t> id;  // 1…kLastNodeId; absent while unallocated (0 on the wire)
    std::string region;
    std::string location;
    std::string provider;
    friend bool operator==(const Node&, const Node&) = default;
  };
  struct Bird {
    std::string control_socket;
    std::uint32_t pool_size = 5;
    std::uint32_t pool_size_max = 64;
    std::string peer_folder;
    std::string ebgp_template;
    std::string ibgp_folder;
    friend bool operator==(const Bird&, const Bird&) = default;
  };
  struct WireGuard {
    std::string private_key_path;
    std::string public_key_path;
    std::string folder;
    std::chrono::seconds keepalive{25};  // 0 = off
    std::optional<IpAddress> dn42_ipv4;  // each absent while unallocated ("" on the wire)
    std::optional<IpAddress> dn42_ipv6;
    std::optional<IpAddress> dn42_ipv6_link_local;
    friend bool operator==(const WireGuard&, const WireGuard&) = default;
  };
  struct Metric {
    std::chrono::seconds ping_timeout{5};
    std::uint32_t ping_count = 4;
    std::uint32_t ping_workers = 32;
    friend bool operator==(const Metric&, const Metric&) = default;
  };
  struct AutoUpdate {
    bool enabled = false;
    std::chrono::minutes check_interval{60};
    std::string channel;
    std::string repository;
    friend bool operator==(const AutoUpdate&, const AutoUpdate&) = default;
  };

  Node node;
  Bird bird;
  WireGuard wireguard;
  Metric metric;
  AutoUpdate auto_update;

  friend bool operator==(const NodeConfig&, const NodeConfig&) = default;
};

// Reads the envelope's `data`. Any part may be absent, addresses may carry a prefix length, unknown fields are passed
// over. Errors: invalid, which names every fault with its path.
Result<NodeConfig> read_node_config(const boost::json::value& data);

// The canonical JSON, which read_node_config reads back as equal.
boost::json::value write_node_config(const NodeConfig& config);

}  // namespace moenet::model
