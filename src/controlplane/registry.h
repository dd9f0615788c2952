// Registry: the DN42 registry in a folder: a clone, or its `data`, or whatever keeps such a folder current. It says
// whose an ASN is: its maintainers and the keys that prove to be them. Every question reads the files anew, so that
// what the folder says is what holds, and a fault in one object is a fault of that object only. Object names from
// outside become file names only when they have the registry's own form, and no symbolic link below the folder is
// followed.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "controlplane/rpsl.h"
#include "model/session.h"

namespace moenet::controlplane {

struct SshKey {
  std::string type;  // "ssh-ed25519"
  std::string blob;  // base64

  friend bool operator==(const SshKey&, const SshKey&) = default;
};

// Who may act for a maintainer: its `auth` lines.
struct Maintainer {
  std::string name;                            // "EXAMPLE-MNT"
  std::vector<SshKey> ssh_keys;                // ed25519, rsa, ecdsa; not sk-*, whose touch we have not tried
  std::vector<std::string> pgp_fingerprints;   // whole ones, in upper case: 40 or 64 digits
  std::vector<std::string> certificate_names;  // "PGPKEY-01234567": of key-cert objects
  std::vector<std::string> certificates;       // their armored keys
};

struct Registrant {
  model::Asn asn = 0;
  std::string as_name;
  std::string contact;  // the name of its admin-c, or its as-name
  std::vector<Maintainer> maintainers;
};

// The keys of a mntner object; lines of other kinds are left out.
Maintainer maintainer_of(const RpslObject& object);

// Thread-safe.
class Registry {
 public:
  // `folder` holds `data/aut-num`, or `aut-num` itself.
  explicit Registry(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // A maintainer or key that is missing or broken is logged and left out. Errors: not_found (no such ASN), invalid (its
  // object is broken), unavailable (no registry there).
  Result<Registrant> find(model::Asn asn) const;

 private:
  const std::filesystem::path folder_;
};

}  // namespace moenet::controlplane
