// Generic netlink messages of WireGuard: whatever the bytes are, they are read or refused.
#include "net/wireguard_genl_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  moenet::net::WgDevice device;
  (void)moenet::net::decode_wg_device({bytes, size}, device);
  moenet::net::sort_wg_device(device);
  (void)moenet::net::decode_family({bytes, size});
  return 0;
}
