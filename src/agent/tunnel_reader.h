// TunnelReader: the WireGuard side of our links, read for measuring: when each peer shook hands, where it was seen, and
// its traffic. It only asks, by connections of its own, and never changes a device. A daemon that hangs costs a bounded
// time and nobody else's measurement.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include "agent/config.h"
#include "agent/handshake_clock.h"
#include "agent/measurement.h"
#include "net/link_counters.h"
#include "net/wireguard.h"

namespace moenet::agent {

// Not thread-safe.
class TunnelReader {
 public:
  // `kernel` is null where the kernel has no WireGuard.
  TunnelReader(std::unique_ptr<net::WireGuard> kernel, std::unique_ptr<net::WireGuard> userspace)
      : kernel_(std::move(kernel)), userspace_(std::move(userspace)) {}
  static TunnelReader open(const WireGuardSettings& settings);

  enum class Depth {
    all,
    silent,  // only devices whose peer has not shaken hands of late, as far as is known, and new ones; some of many
  };
  // `links` are ours; what is remembered of others is forgotten.
  void read(std::span<const net::CountedLink> links, Depth depth, WallTime wall, SteadyTime now, Deadline deadline,
            const std::stop_token& stop);
  // Absent: no WireGuard device, or it could not be read.
  std::optional<TunnelState> state_of(const std::string& name, SteadyTime now) const;

 private:
  struct Peer {  // what of net::WgPeer is told
    Key public_key;
    std::optional<Endpoint> endpoint;
    std::uint64_t rx_bytes = 0;
    std::uint64_t tx_bytes = 0;
  };
  struct Seen {
    int index = 0;  // another one is another link
    HandshakeClock handshakes;
    std::optional<Peer> peer;  // as read last; absent: never read, or it has none
    bool is_read = false;
    SteadyTime read_at{};
    bool hangs = false;  // did not answer when asked last
  };

  net::WireGuard* backend_of(std::string_view link_kind) const;
  static bool is_due(const Seen& seen, Depth depth, SteadyTime now);
  static bool is_silent(const Seen& seen, SteadyTime now);
  void read_one(const net::Link& link, Seen& seen, WallTime wall, SteadyTime now, Deadline deadline);

  std::unique_ptr<net::WireGuard> kernel_;
  std::unique_ptr<net::WireGuard> userspace_;
  std::map<std::string, Seen> seen_;  // by the link's name
};

}  // namespace moenet::agent
