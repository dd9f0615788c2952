// The text protocol of userspace WireGuard to and from values (wireguard.com/xplatform, "Cross-platform Userspace
// Implementation"). Pure: no socket. The text holds keys: callers wipe it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "net/wireguard.h"

namespace moenet::net {

inline constexpr std::string_view kUapiGet = "get=1\n\n";

// One whole `set=1` operation, however large.
std::string encode_uapi_set(const WgChange& change);

// A reply ends with an empty line.
bool is_whole_uapi_reply(std::string_view reply);

// The errno of a reply, 0 when all went well. Errors: internal, when it has none.
Result<int> decode_uapi_errno(std::string_view reply);

// The device that a reply to `get=1` describes, sorted. Keys of other versions of the protocol are passed over. Errors:
// by the reply's errno; internal, when the text makes no sense.
Result<WgDevice> decode_uapi_get(std::string_view name, std::string_view reply);

}  // namespace moenet::net
