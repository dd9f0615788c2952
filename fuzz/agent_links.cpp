// The state file of the links: no crash, and what was taken can be written and taken again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/link_memory.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace moenet::agent;
  const auto links = read_links({reinterpret_cast<const char*>(bytes), size});
  if (!links) return 0;
  const auto again = read_links(write_links(*links));
  if (!again || again->size() != links->size()) std::abort();
  return 0;
}
