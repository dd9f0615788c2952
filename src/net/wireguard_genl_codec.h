// Generic netlink messages of the kernel's WireGuard to and from values (linux/wireguard.h, whose head describes the
// protocol). Pure: no socket. The bytes hold keys: callers wipe them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/wireguard.h"

namespace moenet::net {

// A nested attribute ends at 65,535 bytes, and all peers of a message are in one; half of that leaves room and keeps
// the kernel's lock short (chosen).
inline constexpr std::size_t kWgMessageBytes = 32768;

// "What is the number of this family?" The question makes the kernel load the family's module.
std::vector<std::uint8_t> encode_family_query(std::string_view family_name);
Result<std::uint16_t> decode_family(std::span<const std::uint8_t> message);

std::vector<std::uint8_t> encode_wg_get(std::uint16_t family, std::string_view name);

// One or more whole messages of at most `limit_bytes` each. Only the first replaces all peers, and only the first part
// of a peer that is split replaces its allowed IPs; so they must be sent in order, and after a failure the rest must
// not be sent. REQUIRES: limit_bytes >= 1024.
std::vector<std::vector<std::uint8_t>> encode_wg_set(std::uint16_t family, std::string_view name,
                                                     const WgChange& change, std::size_t limit_bytes = kWgMessageBytes);

// Adds what one message of a dump says to `device`. A peer that the kernel split over two messages becomes one again;
// sort_wg_device() follows after the last one. Errors: internal, when the bytes make no sense.
Result<void> decode_wg_device(std::span<const std::uint8_t> message, WgDevice& device);

}  // namespace moenet::net
