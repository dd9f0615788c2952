// WireGuard keys of this node: made, kept in a file that only root reads, and derived (Curve25519, RFC 7748, by
// libsodium).
#pragma once

#include <string>

#include "base/key.h"
#include "base/result.h"

namespace moenet::agent {

// A new private key, clamped as `wg genkey` does.
Key generate_private_key();
Key public_key_of(const Key& private_key);

// The private key in `path`, clamped: so the kernel and every daemon give it back, whatever random bytes the file
// holds. Errors: not_found, denied when group or others may read it ("chmod 600 PATH" is named), invalid when the
// content is no key.
Result<Key> load_private_key(const std::string& path);
// The same; a file that does not exist is made (mode 0600, and its folder 0700 if absent).
Result<Key> load_or_create_private_key(const std::string& path);

// Writes the public key beside it for people and other tools, mode 0644; nothing is written when it is there already.
Result<void> write_public_key(const std::string& path, const Key& public_key);

}  // namespace moenet::agent
