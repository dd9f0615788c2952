// Heartbeat: what a node says about itself every 30 s (wire contract A6).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/fwd.hpp>

#include "base/ip.h"
#include "base/key.h"
#include "base/result.h"

namespace moenet::model {

// That a node is being drained, or is. Absent: it is in service.
struct HeartbeatMaintenance {
  std::string state;  // "draining", "drained", "down"
  std::chrono::sys_seconds since{};

  friend bool operator==(const HeartbeatMaintenance&, const HeartbeatMaintenance&) = default;
};

struct Heartbeat {
  std::string node;  // its name
  std::string agent_version;
  std::string kernel;              // "6.1.0-18-amd64"
  std::string load_average;        // "0.10 0.20 0.30", the first three fields of /proc/loadavg
  std::chrono::seconds uptime{0};  // of the machine
  std::chrono::sys_seconds time{};
  std::uint64_t sent_bytes = 0;  // all links but lo, since boot
  std::uint64_t received_bytes = 0;
  std::uint64_t tcp_sockets = 0;
  std::uint64_t udp_sockets = 0;
  std::optional<Key> mesh_public_key;
  std::optional<IpAddress> public_ipv4;
  std::optional<IpAddress> public_ipv6;
  std::optional<HeartbeatMaintenance> maintenance;
  std::vector<std::string> looking_glass;  // tools that people may use at the node; ours adds it

  friend bool operator==(const Heartbeat&, const Heartbeat&) = default;
};

boost::json::value write_json(const Heartbeat& heartbeat);

// Errors: invalid, which names every fault with its path; `node_id` alone is required.
Result<Heartbeat> read_heartbeat(const boost::json::value& body);

}  // namespace moenet::model
