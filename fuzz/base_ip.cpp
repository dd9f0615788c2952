// Addresses, prefixes and endpoints: what is accepted prints to text that reads as the same value.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/ip.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace moenet;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  if (const auto address = IpAddress::parse(text); address && IpAddress::parse(address->text()) != address)
    std::abort();
  if (const auto prefix = IpPrefix::parse(text); prefix && IpPrefix::parse(prefix->text()) != prefix) std::abort();
  if (const auto endpoint = HostPort::parse(text, 1); endpoint && HostPort::parse(endpoint->text(), 0) != endpoint) {
    std::abort();
  }
  return 0;
}
