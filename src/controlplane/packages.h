// The agent's Debian packages that an operator has put into a folder for new nodes:
// moenet-agent_VERSION_ARCHITECTURE.deb, for every Debian, or for one in a subfolder of its name (bookworm, trixie).
// What else lies there is ignored. Of two versions the newer one counts.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace moenet::controlplane {

struct OfferedPackage {
  std::filesystem::path file;
  std::string suite;  // "" = every Debian
  std::string architecture;
  std::string version;
  std::string sha256;  // 64 hexadecimal digits
};

// Those of a Debian before those for every one. "" and a folder that is missing: none.
std::vector<OfferedPackage> offered_packages(const std::filesystem::path& folder);

// The bytes of the one with this sum. Errors: not_found, also when the file has changed meanwhile.
Result<std::string> read_package(const std::filesystem::path& folder, std::string_view sha256);

}  // namespace moenet::controlplane
