// `show protocols all` of BIRD 2.0.12, 2.17 and 3.1, read line by line into what metrics and health need of BGP. Lines
// are known by their first words and how far they are indented, which are the same in all of them (proto/bgp/bgp.c
// bgp_show_proto_info(), nest/proto.c channel_show_info()). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bird/reply.h"
#include "model/route_counts.h"

namespace moenet::bird {

struct ChannelLimit {
  std::uint64_t routes = 0;
  // BIRD's mark. 3.1.8 never sets it of a limit that only warns, and of an export limit that blocks on and off: it
  // offers the routes that were blocked again and again. It outlasts what it says: see is_at_work().
  bool is_hit = false;
  SharedText action;  // "block", "disable", "restart", "warn"
  friend bool operator==(const ChannelLimit&, const ChannelLimit&) = default;
};

struct ChannelDetail {
  SharedText name;   // "ipv4"
  SharedText state;  // "UP", "DOWN", "START"; of a pipe, which has none, empty
  std::uint64_t imported = 0;
  std::uint64_t filtered = 0;  // kept although the filter refused them (`import keep filtered`)
  std::uint64_t exported = 0;
  std::uint64_t preferred = 0;
  // Since the channel came up: as malformed or by the import filter, and in BIRD 3 by a limit. (BIRD 2 counts the last
  // among those that changed nothing.)
  std::uint64_t import_updates_rejected = 0;
  // In BIRD 3: by the import limit. One that keeps what it filters does not count them as such; they are what was
  // received and came out in no other way (measured on 3.1.8).
  std::optional<std::uint64_t> import_updates_blocked;
  std::optional<ChannelLimit> receive_limit;
  std::optional<ChannelLimit> import_limit;
  std::optional<ChannelLimit> export_limit;
  friend bool operator==(const ChannelDetail&, const ChannelDetail&) = default;
};

struct ProtocolDetail {
  ProtocolStatus status;
  // Of a protocol that we disabled: the reason we gave. Otherwise what the neighbor said with its last shutdown or
  // reset (RFC 9003), which BIRD keeps even when the session was Established since.
  SharedText message;
  SharedText bgp_state;         // "Established", "Active", …; empty when it is no BGP
  SharedText neighbor_address;  // as printed, with %interface
  std::optional<std::uint32_t> neighbor_as;
  std::optional<std::uint32_t> local_as;
  SharedText last_error;                // "Received: Administrative shutdown", "BGP Error: Bad peer AS"; or empty
  std::vector<ChannelDetail> channels;  // in BIRD's order
  friend bool operator==(const ProtocolDetail&, const ProtocolDetail&) = default;
};

// In BIRD's order; none where no protocol matches. A line that nobody knows is skipped; a number that is none is an
// error. Errors: internal (BIRD's own), invalid, which names the protocol and the line.
Result<std::vector<ProtocolDetail>> parse_protocol_details(const Reply& reply);

// Does the limit hold back routes or the session, or warn, now? Measured: all BIRDs keep the mark while a session is
// not Established for whatever other reason. 3.1.8 keeps that of a limit that blocks until the session begins anew,
// also when the neighbor announces less, after a graceful restart and when the limit is raised: below its limit it
// takes routes again. BIRD 2 that has blocked refuses every further route, however few it has.
bool is_at_work(const ProtocolDetail& protocol, const ChannelDetail& channel,
                std::optional<ChannelLimit> ChannelDetail::* which);
bool is_any_limit_at_work(const ProtocolDetail& protocol);

// Its channels taken together.
model::RouteCounts route_counts_of(const ProtocolDetail& protocol);

}  // namespace moenet::bird
