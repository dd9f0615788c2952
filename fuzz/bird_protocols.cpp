// Any bytes as BIRD's reply to `show protocols`, `show protocols all` and `show route`. The seeds are what real BIRDs
// said.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "bird/last_error.h"
#include "bird/lookup.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace moenet::bird;
  ReplyReader reader(64 * 1024, ReplyReader::TooLarge::cut);
  if (!reader.feed({reinterpret_cast<const char*>(data), size})) return 0;
  while (const auto reply = reader.next()) {
    if (const auto rows = parse_protocols(*reply)) {
      for (const ProtocolStatus& row : *rows) (void)row.is_established();
    }
    if (const auto protocols = parse_protocol_details(*reply)) {
      for (const ProtocolDetail& protocol : *protocols) {
        (void)route_counts_of(protocol);
        const auto cause = cause_of(protocol, 4242420000);
        if (cause && cause->size() > kMostCauseBytes) std::abort();
      }
    }
    (void)parse_routes(*reply);
    (void)parse_babel_neighbors(*reply);
  }
  return 0;
}
