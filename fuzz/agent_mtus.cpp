// The state file of the tunnels' MTUs: no crash, and what was taken can be written and taken again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/mtu_memory.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace moenet::agent;
  const auto known = read_mtus({reinterpret_cast<const char*>(bytes), size});
  if (!known) return 0;
  const auto again = read_mtus(write_mtus(*known));
  if (!again || *again != *known) std::abort();
  return 0;
}
