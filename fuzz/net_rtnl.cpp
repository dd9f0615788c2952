// rtnetlink messages of links and addresses: whatever the bytes are, they are read or refused.
#include <cstdlib>

#include "net/gre_codec.h"
#include "net/link_counters.h"
#include "net/rtnl_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  (void)moenet::net::decode_link({bytes, size});
  (void)moenet::net::decode_counted_link({bytes, size});
  (void)moenet::net::decode_address({bytes, size});
  for (const char* kind : {"gre", "ip6gre"}) {
    const auto header = moenet::net::decode_gre(kind, {bytes, size});
    if (header && !header->remote) std::abort();  // which the agent takes for granted
  }
  return 0;
}
