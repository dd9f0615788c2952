#include "base/secret.h"

#include <string.h>  // explicit_bzero

namespace moenet {

void wipe(void* memory, std::size_t bytes) {
  if (bytes != 0) ::explicit_bzero(memory, bytes);
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  unsigned char differ = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size() && !b.empty(); ++i) {
    differ = static_cast<unsigned char>(
        differ | (static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i % b.size()])));
  }
  return differ == 0;
}

void Secret::clear() {
  wipe(value_.data(), value_.capacity());
  value_.clear();
}

}  // namespace moenet
