// MainFile: BIRD's bird.conf while a transaction swaps it, for a node whose BIRD the agent owns.
#pragma once

#include <optional>
#include <string>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/result.h"

namespace moenet::bird {

struct MainFile {
  std::string path;
  std::optional<std::string> wanted;    // none: it is the operator's, or as wanted
  std::optional<std::string> old_text;  // none: it was not there
  struct stat old_status{};

  // Reads what is there. Errors: invalid (it is not ours: it is never overwritten), denied.
  Result<void> take_up();
  // A new file gets `group`; one that was there keeps its group, and its owner where we may give files away.
  Result<void> write(gid_t group) const;
  Result<void> restore() const;

 private:
  Result<void> write_text(const std::string& text, uid_t user, gid_t group) const;
};

}  // namespace moenet::bird
