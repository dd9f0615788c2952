// A line of the journal on disk: never a crash, and what is read is written and read again as the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/journal_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto event = moenet::agent::read_event({reinterpret_cast<const char*>(data), size});
  if (!event) return 0;
  std::string line = moenet::agent::line_of(*event);
  line.pop_back();
  // A line that was read may be shorter than the same one as we write it.
  if (const auto again = moenet::agent::read_event(line); again && !(*again == *event)) std::abort();
  return 0;
}
