// GreHeader: what a GRE tunnel puts around its packets, as a value. What makes a link of it is net/gre_codec.h.
#pragma once

#include <cstdint>
#include <optional>

#include "base/ip.h"

namespace moenet {

// RFC 2784, with the key of RFC 2890. Over IPv4 the kernel calls it "gre", over IPv6 "ip6gre".
struct GreHeader {
  std::optional<IpAddress> local;    // absent: whichever the route to `remote` gives; over IPv6 nothing is sent then
  std::optional<IpAddress> remote;   // absent: not known
  std::optional<std::uint32_t> key;  // of both directions
  std::uint8_t ttl = 64;             // what IANA recommends, and what Linux takes for IPv6
  // Of a link: nothing else is set on it that we do not set. Always so of what is wanted.
  bool is_usual = true;

  friend bool operator==(const GreHeader&, const GreHeader&) = default;
};

// What the header takes of each packet: IP's, GRE's 4 bytes, and 4 for a key. REQUIRES: a remote.
inline std::uint16_t bytes_of(const GreHeader& header) {
  return static_cast<std::uint16_t>((header.remote->is_v4() ? 20 : 40) + 4 + (header.key ? 4 : 0));
}

}  // namespace moenet
