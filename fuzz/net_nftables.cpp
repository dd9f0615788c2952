// Listings of nftables, and the kernel's own answers: whatever the bytes are, they are read or refused;
// what is read of our sets is fit to be written.
#include <cstdlib>

#include "net/nfnetlink_codec.h"
#include "net/nftables_listing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace moenet::net;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  if (const auto table = decode_table(text)) {
    if (!validate(table->rules)) std::abort();
    const auto again = decode_table(encode_listing(table->rules));
    if (!again || again->rules != table->rules) std::abort();
  }
  (void)decode_hostile_chains(text);
  (void)decode_generation({bytes, size});
  (void)decode_table_flags({bytes, size});
  return 0;
}
