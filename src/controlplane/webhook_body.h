// What a webhook hears of a move: a JSON body, and the header that proves who sent it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "controlplane/events.h"

namespace moenet::controlplane {

struct ToldMove {
  std::string id;  // of the event
  UnixMs at = 0;
  std::string session;
  std::string node;  // its name
  model::Asn asn = 0;
  std::optional<model::SessionStatus> from;  // absent: it is new
  model::SessionStatus to = model::SessionStatus::pending;
  Cause cause;
};

// {"id","time","uuid","node","asn","from","to","cause":{"who","reason"}}; statuses by their names, `time` in RFC 3339.
std::string webhook_body(const ToldMove& move);

// "t=<unix s>,v1=<HMAC-SHA-256 of "t.body" under the secret, in hexadecimal digits>"
std::string webhook_signature(const Secret& secret, std::int64_t unix_seconds, std::string_view body);

}  // namespace moenet::controlplane
