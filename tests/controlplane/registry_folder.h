// A registry of a test's own: objects written as they lie in a clone of DN42's.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "support/temporary_folder.h"

namespace moenet::controlplane::testing {

class RegistryFolder {
 public:
  const std::filesystem::path& path() const { return folder_.path(); }
  std::filesystem::path file(const std::string& kind, const std::string& name) const {
    return folder_.path() / "data" / kind / name;
  }
  void put(const std::string& kind, const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(file(kind, name).parent_path());
    std::ofstream(file(kind, name)) << text;
  }
  void put_as(const std::string& asn, const std::string& maintainers, const std::string& more = {}) const {
    put("aut-num", "AS" + asn,
        "aut-num:            AS" + asn + "\nas-name:            AS-EXAMPLE\n" + more +
            "mnt-by:             " + maintainers + "\nsource:             DN42\n");
  }
  void put_maintainer(const std::string& name, const std::string& auths) const {
    put("mntner", name, "mntner:             " + name + "\n" + auths + "mnt-by:             " + name + "\n");
  }

 private:
  support::TemporaryFolder folder_;
};

}  // namespace moenet::controlplane::testing
