// What was measured of every tunnel at one moment: BGP, WireGuard and interface counters, as metricTask publishes it
// for health, /status, /metrics and the report. What is not known is absent, never 0.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ip.h"
#include "bird/protocol_detail.h"
#include "model/desired.h"
#include "model/session.h"

namespace moenet::agent {

// Since the link was made (linux/if_link.h, rtnl_link_stats64).
struct Traffic {
  std::uint64_t rx_bytes = 0, tx_bytes = 0;
  std::uint64_t rx_packets = 0, tx_packets = 0;
  std::uint64_t rx_errors = 0, tx_errors = 0;
  std::uint64_t rx_dropped = 0, tx_dropped = 0;
  friend bool operator==(const Traffic&, const Traffic&) = default;
};

struct TrafficRate {  // over the time since the measurement before
  double rx_bits_per_second = 0;
  double tx_bits_per_second = 0;
  friend bool operator==(const TrafficRate&, const TrafficRate&) = default;
};

struct TunnelState {                                  // of its WireGuard side
  std::optional<std::chrono::seconds> handshake_age;  // absent: never
  std::optional<Endpoint> endpoint;                   // where the peer was seen last
  std::uint64_t rx_bytes = 0, tx_bytes = 0;
  friend bool operator==(const TunnelState&, const TunnelState&) = default;
};

struct LinkMeasurement {
  model::Owner owner;  // a session or a neighbor in the mesh
  model::Asn asn = 0;  // of a session
  SharedText name;     // of a session, escaped, for people
  std::string interface_name;
  std::uint32_t mtu_bytes = 0;
  bool has_link = false;
  bool is_up = false;  // IFF_UP and IFF_RUNNING
  std::optional<Traffic> traffic;
  std::optional<TrafficRate> rate;
  std::optional<TunnelState> tunnel;                    // of WireGuard
  std::optional<GreHeader> gre;                         // of GRE, of whose peer nothing is heard but BGP and echoes
  std::optional<bird::ProtocolDetail> bgp;              // of a session, while BIRD answers and runs it
  std::optional<std::chrono::seconds> established_for;  // absent: it is not established
  std::uint64_t flaps = 0;                              // how often BGP was lost since the agent knows the session

  friend bool operator==(const LinkMeasurement&, const LinkMeasurement&) = default;
};

struct Measurement {
  std::vector<LinkMeasurement> links;           // sorted by owner
  std::vector<bird::ProtocolDetail> other_bgp;  // iBGP and what is not the agent's
  std::string bird_problem;                     // why BIRD could not be asked; empty when it was
  WallTime wall{};
  SteadyTime steady{};
  SteadyTime bgp_read{};  // when BIRD was last asked for all that it knows; in between its states alone are new
  std::chrono::microseconds cpu{0};  // of this round, this thread
};

}  // namespace moenet::agent
