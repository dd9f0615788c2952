// A heartbeat, as the control plane takes it: no crash, and what was taken reads back from what is written of it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <boost/json/value.hpp>

#include "model/heartbeat.h"
#include "model/json_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace moenet;
  const auto body = model::parse_json({reinterpret_cast<const char*>(bytes), size});
  if (!body) return 0;
  const auto heartbeat = model::read_heartbeat(*body);
  if (!heartbeat) return 0;
  if (heartbeat->node.empty()) std::abort();
  const auto again = model::read_heartbeat(model::write_json(*heartbeat));
  if (!again || *again != *heartbeat) std::abort();
  return 0;
}
