// Series as they are kept: any text is read as far as it goes, and what was read is the same when it was written.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "controlplane/samples.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace moenet::controlplane;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const OpenReadings open = read_open(text);
  if (read_open(write_open(open)) != open) std::abort();
  (void)open_slots(open);
  const Slots slots = read_slots(text, 1'000);
  const Slots again = read_slots(write_slots(slots, 1'000), 1'000);
  if (again != slots) std::abort();
  (void)coarse(slots);
  return 0;
}
