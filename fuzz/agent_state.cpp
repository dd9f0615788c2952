// What the agent finds on the disk and on links after a restart: maintenance, kept ROAs, marks, locks. No crash, and
// what was taken can be written and taken again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/maintenance.h"
#include "agent/node_lock.h"
#include "agent/ownership_mark.h"
#include "agent/roa_source.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace moenet::agent;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  if (const auto record = read_maintenance(text)) {
    const auto again = read_maintenance(write_maintenance(*record));
    if (!again || !(*again == *record)) std::abort();
  }
  if (const auto mark = read_mark(text)) {
    if (read_mark(write_mark(*mark)) != mark) std::abort();
  }
  (void)read_kept_roas(text);
  const std::string_view half = text.substr(0, size / 2);
  if (const auto holder = find_lock_holder(half, text.substr(size / 2), half); holder && *holder <= 0) std::abort();
  return 0;
}
