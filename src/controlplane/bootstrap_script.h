// BootstrapScript: what makes a machine a node, for Debian's sh. It does nothing before all of it has arrived, asks
// nothing, changes nothing before its checks have passed, and may be run again, also after it was cut off anywhere.
#pragma once

#include <string>
#include <vector>

#include "base/secret.h"
#include "controlplane/packages.h"

namespace moenet::controlplane {

struct BootstrapScript {
  std::string node_name;  // these three were validated (node_draft.h, bootstrap_base, token.h): harmless in a shell
  std::string url;
  Secret token;
  std::vector<OfferedPackage> packages;
  bool is_dry_run = false;
};

std::string text_of(const BootstrapScript& script);

}  // namespace moenet::controlplane
