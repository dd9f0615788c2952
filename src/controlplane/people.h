// What the Store keeps of people: users, their web sessions and API tokens, challenges, and the audit log.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "controlplane/caller.h"
#include "model/session.h"

namespace moenet::controlplane {

using UnixMs = std::int64_t;    // wall time in milliseconds since 1970
using TokenHash = std::string;  // 64 hexadecimal digits, token.h

struct User {
  std::string uuid;
  std::string name;  // "AS4242420101", or what the owner called them
  Role role = Role::user;
  model::Asn asn = 0;  // 0 = none
  bool is_disabled = false;
  UnixMs created_at = 0;
  UnixMs last_seen = 0;  // 0 = never

  friend bool operator==(const User&, const User&) = default;
};

// Somebody at a browser. Whose it is: of a user, or with `user` empty of the owner; opened by a proof, or by a token,
// without which it is void.
struct WebSession {
  TokenHash hash;         // of the cookie
  std::string user;       // uuid
  std::string token;      // uuid of the API token that opened it, or ""
  TokenHash owner_token;  // of the admin token that opened it, or ""
  UnixMs expires_at = 0;
};

struct ApiToken {
  std::string uuid;
  std::string user;       // uuid, "" = the owner's
  std::string user_name;  // read only
  std::string label;
  Role role = Role::user;  // at most this; never more than the user's own
  UnixMs created_at = 0;
  UnixMs expires_at = 0;  // 0 = never
  UnixMs last_used = 0;

  friend bool operator==(const ApiToken&, const ApiToken&) = default;
};

// Who holds a web session or an API token now: what is disabled, revoked or expired has no holder.
struct Holder {
  std::string user;       // uuid, "" = the owner
  std::string user_name;  // "" = the owner
  Role role = Role::user;
  model::Asn asn = 0;
  std::string token;        // uuid of the API token
  std::string token_label;  // its label
  TokenHash owner_token;    // of a web session that the admin token opened: void unless that is still the admin token
  UnixMs expires_at = 0;
};

// To be signed once by an ASN's maintainer (proof.h).
struct Challenge {
  TokenHash hash;  // of its id
  model::Asn asn = 0;
  std::string text;
  UnixMs expires_at = 0;
};

struct AuditEntry {
  std::int64_t seq = 0;
  UnixMs at = 0;
  std::string who;
  std::string address;
  std::string action;       // "session.change"
  std::string object;       // "session 8bfccd65-…"
  std::string before_json;  // the members that differ; "" = it was not there
  std::string after_json;   // "" = it is gone
};

struct AuditFilter {
  std::optional<std::string> object;
  std::optional<std::string> who;
  UnixMs since = 0;
  std::int64_t before_seq = 0;  // 0 = from the newest on
  std::size_t limit = 100;
};

}  // namespace moenet::controlplane
