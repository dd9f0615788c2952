// A ROA file, from bytes to ROAs: no crash, and what was accepted is well-formed, sorted, and says the same when BIRD's
// text of it is read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "bird/roa_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace moenet::bird;
  const auto roas = read_roa_file({reinterpret_cast<const char*>(data), size});
  if (!roas) return 0;
  std::string text;
  for (std::size_t i = 0; i < roas->size(); ++i) {
    const Roa& roa = (*roas)[i];
    if (roa.prefix.has_host_bits() || roa.max_length < roa.prefix.length) std::abort();
    if (roa.max_length > roa.prefix.address.bits() || (i > 0 && !((*roas)[i - 1] < roa))) std::abort();
    text += "route " + roa.prefix.text() + " max " + std::to_string(roa.max_length) + " as " + std::to_string(roa.asn) +
            ";\n";
  }
  if (read_roa_file(text).value() != *roas) std::abort();
  return 0;
}
