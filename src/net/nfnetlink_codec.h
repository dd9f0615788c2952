// The two questions that are cheaper asked of nf_tables itself than by libnftables (linux/netfilter/nfnetlink.h,
// linux/netfilter/nf_tables.h): has anything changed, and is there a table of this name, with what flags? Pure: no
// socket.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace moenet::net {

// NFT_MSG_GETGEN: the number of the ruleset, which each transaction of anybody in this namespace makes another one.
std::vector<std::uint8_t> encode_generation_query();
// Nullopt for a message of another type. Errors: internal, when the bytes make no sense.
Result<std::optional<std::uint32_t>> decode_generation(std::span<const std::uint8_t> message);

// NFT_MSG_GETTABLE of family inet; the kernel refuses it with ENOENT when there is none. REQUIRES: a name of at most 32
// bytes.
std::vector<std::uint8_t> encode_inet_table_query(std::string_view table);
// The table's flags (NFT_TABLE_F_DORMANT and others), 0 for none. Nullopt for a message of another type. Errors:
// internal, when the bytes make no sense.
Result<std::optional<std::uint32_t>> decode_table_flags(std::span<const std::uint8_t> message);

}  // namespace moenet::net
