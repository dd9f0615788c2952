// Tokens: 256 random bits as text. At rest there is only a BLAKE2b-256 hash of them: a token is random, so it needs no
// salt and no slow hash, and looking a hash up leaks nothing about the token.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace moenet::controlplane {

// 43 characters of URL-safe base64 (RFC 4648 section 5).
Secret make_token();
// 64 hexadecimal digits.
std::string hash_of_token(std::string_view token);

// A random UUID (RFC 9562 version 4).
std::string make_uuid();

// 32 hexadecimal digits of a hash of any text: for strong ETags and the configHash.
std::string fingerprint(std::string_view text);

// The first line of a file that holds a token or key. Errors: not_found, denied (also when others than the owner may
// read it, which is refused with the command that mends it; a credential of systemd's is the service's alone), invalid
// (empty).
Result<Secret> read_secret_file(const std::filesystem::path& path);
// Makes the file, mode 0600, in one step: no reader sees it half written. Errors: conflict when it exists, denied,
// unavailable.
Result<void> write_secret_file(const std::filesystem::path& path, const Secret& secret);

}  // namespace moenet::controlplane
