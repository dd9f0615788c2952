// The `credential` field of a session (wire contract A3): the peer's public key and preshared key in the shapes that
// deployed writers use, and copies of other fields, which count only where the row itself lacks them.
#pragma once

#include <optional>
#include <string>

#include <boost/json/fwd.hpp>

#include "base/key.h"
#include "base/result.h"
#include "model/session.h"

namespace moenet::model {

struct Credential {
  Key public_key;  // never zero
  std::optional<Key> preshared_key;
  std::optional<std::string> endpoint;
  std::optional<std::uint16_t> listen_port;
};

// Shapes: a bare base64 key; JSON text (or an object) with public_key, publicKey or pubkey, and preshared_key,
// presharedKey or psk. A zero or empty preshared key is none, as for WireGuard. Null is an absent field. Errors: what
// was expected, with no value in it.
std::expected<Credential, std::string> read_credential(const boost::json::value* value);

// The canonical text: {"public_key":…,"preshared_key":…,"listen_port":…,"endpoint":…,"mtu":…} as deployed agents read
// it; empty when the session has no public key.
std::string write_credential(const Session& session);

}  // namespace moenet::model
