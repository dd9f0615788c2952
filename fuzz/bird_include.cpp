// Any text as a BIRD configuration file: includes lie within it, in order, and start where they say.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "bird/config_text.h"
#include "bird/peer_folder.h"
#include "bird/render.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace moenet::bird;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::size_t last = 0;
  for (const ConfigItem& item : items_of(text)) {
    const auto* include = std::get_if<IncludeStatement>(&item);
    if (include == nullptr) continue;
    const bool is_sound = include->begin >= last && include->begin < include->end && include->end <= text.size() &&
                          text[include->end - 1] == ';' && (include->begin == 0 || text[include->begin - 1] == '\n');
    if (!is_sound) std::abort();
    last = include->end;
  }
  (void)owner_in(text);
  if (!items_of("description " + quote(text) + ";").empty()) std::abort();
  return 0;
}
