// rtnetlink messages of links and addresses: whatever the bytes are, they are read or refused.
#include "net/link_counters.h"
#include "net/rtnl_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  (void)moenet::net::decode_link({bytes, size});
  (void)moenet::net::decode_counted_link({bytes, size});
  (void)moenet::net::decode_address({bytes, size});
  return 0;
}
