// The config answer, from bytes to NodeConfig: no crash, and what was accepted reads back from its canonical form.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <boost/json/value.hpp>

#include "model/node_config.h"
#include "model/session_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace moenet;
  const auto data = model::read_envelope({reinterpret_cast<const char*>(bytes), size});
  if (!data) return 0;
  const auto config = model::read_node_config(*data);
  if (!config) return 0;
  const auto again = model::read_node_config(model::write_node_config(*config));
  if (!again || *again != *config) std::abort();
  return 0;
}
