// CheckConfig: one configuration text that means what BIRD's main file will mean after a swap of peer files, for
// `configure check` before the swap. It follows the operator's includes and puts the staged files where BIRD will find
// them. Reads files, writes none.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "bird/config_text.h"

namespace moenet::bird {

// The peer folder as it will be.
struct FolderView {
  std::string folder;                       // as configured; any path to it counts as it
  std::map<std::string, std::string> ours;  // name -> path to read: the live file, or its staged version
  std::vector<std::string> removed;         // names that will be gone
};

struct SourceLine {
  std::string file;
  int line = 0;
};

struct CheckConfig {
  std::string text;
  std::vector<SourceLine> origins;  // of each line of `text`: where the operator finds it
  struct Defined {
    Definition definition;
    std::string file;
    bool before_peers = false;  // it stands before the first peer file of ours
  };
  std::vector<Defined> defined;               // in files that are not ours
  std::map<std::string, SourceLine> reached;  // names of ours that an include reaches, and that include
};

// Errors: invalid (an include nests deeper than BIRD's 8, or reaches one of our files twice), or those of reading a
// file.
Result<CheckConfig> build_check(const std::string& main_file, const std::optional<std::string>& main_text,
                                const FolderView& view);

}  // namespace moenet::bird
