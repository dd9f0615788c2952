// Replies of a userspace WireGuard daemon, and the /proc files of host_facts: whatever the text is, it is read or
// refused.
#include <cstddef>
#include <cstdint>

#include "net/host_facts.h"
#include "net/wireguard_uapi_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  (void)moenet::net::decode_uapi_get("wg0", text);
  (void)moenet::net::decode_uapi_errno(text);
  (void)moenet::net::parse_traffic(text);
  (void)moenet::net::parse_load_average(text);
  (void)moenet::net::parse_uptime(text);
  (void)moenet::net::parse_sockets_in_use(text, "TCP");
  return 0;
}
