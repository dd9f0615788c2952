// What a heartbeat tells about the machine: kernel, load, uptime, traffic, sockets, public addresses. Read from /proc
// and rtnetlink; what cannot be read is zero or absent, because a heartbeat goes out anyway.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/ip.h"

namespace moenet::net {

struct Traffic {
  std::uint64_t rx_bytes = 0;
  std::uint64_t tx_bytes = 0;

  friend bool operator==(const Traffic&, const Traffic&) = default;
};

struct HostFacts {
  std::string kernel_release;  // uname -r
  std::string load_average;    // "0.98 0.27 0.09"
  std::chrono::seconds uptime{0};
  Traffic traffic;                // of all links but lo
  std::uint64_t tcp_sockets = 0;  // in use, both families
  std::uint64_t udp_sockets = 0;
  std::optional<IpAddress> public_ipv4;  // the first on a link, in the order of the links
  std::optional<IpAddress> public_ipv6;
};

HostFacts read_host_facts(Deadline deadline);

// Can everybody on the Internet reach it? By the IANA special-purpose registries (RFC 6890) neither private, shared,
// link-local, unique local, documentation, benchmark, multicast nor reserved. DN42's own ranges are private ones.
bool is_public(const IpAddress& address);

// The parts of /proc/loadavg, /proc/uptime, /proc/net/dev (proc(5)) and /proc/net/sockstat{,6}: pure, zero or empty for
// what is not there.
std::string parse_load_average(std::string_view text);
std::chrono::seconds parse_uptime(std::string_view text);
Traffic parse_traffic(std::string_view text);
std::uint64_t parse_sockets_in_use(std::string_view text, std::string_view protocol);  // "TCP", "UDP6"

}  // namespace moenet::net
