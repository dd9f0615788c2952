// Which protocols a change of configuration files touches, so that BIRD may restart them: those whose own text changes,
// those built on a template whose text changes, and all of them when the router id does. Pure.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

namespace moenet::bird {

struct FileEdit {
  std::string_view before;  // empty: the file is new
  std::string_view after;   // empty: the file goes
};

// Names of protocols; absent means all of them. `unchanged`: the other files, in which a template that an edit changes
// may be used.
std::optional<std::set<std::string>> touched_protocols(std::span<const FileEdit> edits,
                                                       std::span<const std::string_view> unchanged);

}  // namespace moenet::bird
