// RPSL as the DN42 registry writes it (RFC 2622 section 2): one object per file, `name: value` lines, continuations,
// comments. What the attributes mean is registry.h's business.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace moenet::controlplane {

struct RpslAttribute {
  std::string name;   // lower case
  std::string value;  // without blanks at its ends; lines that continue it are joined by '\n'

  friend bool operator==(const RpslAttribute&, const RpslAttribute&) = default;
};
using RpslObject = std::vector<RpslAttribute>;

// Chosen: the largest object of the registry, a PGP key with many signatures, has a fourth of it.
inline constexpr std::size_t kMostObjectBytes = 512 * 1024;

// Errors: invalid (no object, more than one, no attribute line where one must be, too large, no UTF-8), with the line.
Result<RpslObject> parse_rpsl(std::string_view bytes);

// The values of the attributes of this name, in order.
std::vector<std::string_view> values_of(const RpslObject& object, std::string_view name);
// The first of them, or "".
std::string_view value_of(const RpslObject& object, std::string_view name);

}  // namespace moenet::controlplane
