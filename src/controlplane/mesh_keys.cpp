#include "controlplane/mesh_keys.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <string>

#include <sodium.h>

#include "model/text.h"

namespace moenet::controlplane {

Key mesh_preshared_key(const Secret& network_secret, std::string_view uuid, std::string_view other_uuid) {
  if (sodium_init() < 0) std::abort();  // no randomness on this system: nothing here may go on
  const std::string_view secret = network_secret.reveal();
  assert(secret.size() >= crypto_generichash_KEYBYTES_MIN && secret.size() <= crypto_generichash_KEYBYTES_MAX);
  std::string first = model::lower_case(uuid);
  std::string second = model::lower_case(other_uuid);
  if (second < first) std::swap(first, second);
  const std::string text = "moenet mesh preshared key\n" + first + "\n" + second;
  Key::Bytes bytes{};
  crypto_generichash(bytes.data(), bytes.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                     reinterpret_cast<const unsigned char*>(secret.data()), secret.size());
  const Key key(bytes);
  wipe(bytes.data(), bytes.size());
  return key;
}

}  // namespace moenet::controlplane
