#include "net/link_kinds.h"

#include <unistd.h>

#include <fmt/format.h>

#include "base/file.h"

namespace moenet::net {
namespace {

constexpr std::size_t kMostBytes = 64u << 20;  // kallsyms has 5 to 12 MB, all else is far smaller

bool is_there(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

std::string text_of(const std::string& path) { return read_file(path, kMostBytes).value_or(std::string()); }

// A line "kernel/drivers/net/dummy.ko", in modules.dep with a suffix for its packing and ": needed modules".
bool lists_module(const std::string& list, std::string_view module) {
  const std::string file = fmt::format("/{}.ko", module);
  for (std::size_t at = list.find(file); at != std::string::npos; at = list.find(file, at + 1)) {
    const std::size_t end = at + file.size();
    const bool is_whole = end == list.size() || list[end] == '\n' || list[end] == ':' || list[end] == '.';
    const std::size_t line = list.rfind('\n', at) + 1;        // npos + 1 is 0
    if (is_whole && list.find(':', line) >= at) return true;  // else it is what another module needs
  }
  return false;
}

}  // namespace

KindSupport support_of(const LinkKind& kind, const std::string& kernel_release, const std::string& root) {
  if (is_there(fmt::format("{}/sys/module/{}", root, kind.module))) return KindSupport::present;
  const std::string modules = fmt::format("{}/lib/modules/{}", root, kernel_release);
  const bool has_modules = is_there(modules + "/modules.dep");
  if (has_modules && lists_module(text_of(modules + "/modules.builtin"), kind.module)) return KindSupport::present;
  if (has_modules && lists_module(text_of(modules + "/modules.dep"), kind.module)) return KindSupport::loadable;
  const std::string symbols = text_of(root + "/proc/kallsyms");
  if (symbols.contains(fmt::format(" {}\n", kind.function))) return KindSupport::present;
  return has_modules ? KindSupport::absent : KindSupport::unknown;
}

}  // namespace moenet::net
