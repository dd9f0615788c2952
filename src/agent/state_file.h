// The last good state on disk: what the control plane said last, so that a reboot without it brings the node up as it
// was. One file per answer ("config", "sessions"), mode 0600 (it holds preshared keys), written atomically and only
// when its content changed; a checksum tells a torn or edited file from a whole one. Format: "moenet-state 1
// <BLAKE2b-256 hex of the rest>\n", "<node name>\n", "<control plane url>\n", then the answer's body.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace moenet::agent {

// The control plane's names of its answers, and of their files.
inline constexpr std::string_view kConfigAnswer = "config";
inline constexpr std::string_view kSessionsAnswer = "sessions";
inline constexpr std::string_view kMeshAnswer = "mesh";
inline constexpr std::string_view kPolicyAnswer = "bird-config";

// Whose state it is: a node that was renamed or moved to another control plane does not come up as another.
struct StateIdentity {
  std::string node_name;
  std::string control_plane_url;
};

class StateFile {
 public:
  StateFile(std::string folder, std::string_view answer, StateIdentity identity);

  // The body that was saved last. Errors: not_found (none yet, or another node's), invalid (checksum or format),
  // denied.
  Result<std::string> read() const;
  // The same, for the running agent: an invalid file is set aside as *.bad.
  Result<std::string> load();
  // Errors: unavailable (disk full), denied. The old file stays whole.
  Result<void> save(std::string_view body);

 private:
  std::string folder_;
  std::string path_;
  StateIdentity identity_;
  std::string written_;  // checksum of what the file holds, to write only what changed
};

}  // namespace moenet::agent
