#include "agent/leftovers.h"

#include <filesystem>

#include "base/file.h"
#include "bird/stage.h"

namespace moenet::agent {

void remove_leftovers(const AgentConfig& config) {
  remove_temporaries(config.state_folder);
  bird::Stage::sweep(config.bird.peer_folder);
  // In these folders are others' files as well.
  for (const std::filesystem::path path :
       {config.wireguard.private_key_path, config.wireguard.public_key_path, config.bird.config_file}) {
    if (path.has_filename()) remove_temporaries(path.parent_path().native(), path.filename().native());
  }
}

}  // namespace moenet::agent
