// Keys: exactly one text means one key.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/key.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  if (const auto key = moenet::Key::from_base64(text); key && key->base64() != text) std::abort();
  if (const auto key = moenet::Key::from_hex(text); key && moenet::Key::from_base64(key->base64()) != key) std::abort();
  return 0;
}
