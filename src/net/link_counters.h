// All links with what the kernel counted on them, in one dump (rtnetlink(7), IFLA_STATS64 of linux/if_link.h). Without
// addresses: those are link.h's.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "net/link.h"
#include "net/netlink.h"
#include "net/rtnl_codec.h"

namespace moenet::net {

struct LinkStatistics {  // since the link was made
  std::uint64_t rx_packets = 0, tx_packets = 0;
  std::uint64_t rx_bytes = 0, tx_bytes = 0;
  std::uint64_t rx_errors = 0, tx_errors = 0;
  std::uint64_t rx_dropped = 0, tx_dropped = 0;

  friend bool operator==(const LinkStatistics&, const LinkStatistics&) = default;
};

struct CountedLink {
  Link link;  // without its addresses
  std::optional<LinkStatistics> statistics;

  friend bool operator==(const CountedLink&, const CountedLink&) = default;
};

// Sorted by name. Errors: unavailable, timeout.
Result<std::vector<CountedLink>> count_links(NetlinkSocket& socket, Deadline deadline);

// RTM_NEWLINK; otherwise as decode_link().
Result<std::optional<CountedLink>> decode_counted_link(std::span<const std::uint8_t> message);

}  // namespace moenet::net
