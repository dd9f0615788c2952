// Proof that somebody is an ASN's maintainer: the text to sign, and whether one of the registry's keys signed it. The
// checking is done by ssh-keygen and gpgv, in a private folder that goes when the answer is there; what they are given
// has passed our caps, and what they say is read by its machine form.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "controlplane/registry.h"

namespace moenet::controlplane {

// Of `ssh-keygen -Y sign -n moenet`: a signature made for something else is none for us.
inline constexpr std::string_view kProofNamespace = "moenet";
inline constexpr std::size_t kMostSignatureBytes = 16 * 1024;
inline constexpr std::size_t kMostPublicKeyBytes = 64 * 1024;  // chosen: a key with the signatures of its friends

struct ChallengeWords {
  model::Asn network = 0;  // ours
  std::string url;         // where the signer means to sign in: it is not good elsewhere
  model::Asn asn = 0;
  std::string nonce;
  WallTime ends;
};
// One line, so that it survives copying, without an end of line.
std::string challenge_text(const ChallengeWords& words);

struct Proof {
  std::string signature;   // armored: SSH, or PGP detached or clear
  std::string public_key;  // armored PGP; only for `auth: pgp-fingerprint`, whose key the registry does not hold
};

// Which key of the maintainers signed `text`, in words for the log. An end of line behind the text is no change.
// With `registrant` nullptr (nobody has the ASN) it does the same work and refuses, so that the time tells nothing.
// Errors: invalid (no signature, or too large), denied (none of their keys, or it is revoked or expired), unavailable
// (a program is missing), timeout.
Result<std::string> check_proof(const Registrant* registrant, std::string_view text, const Proof& proof,
                                Deadline deadline);

}  // namespace moenet::controlplane
