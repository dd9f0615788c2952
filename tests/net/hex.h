// Messages as golden text.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include <fmt/format.h>

namespace moenet::net::testing {

inline std::string hex(std::span<const std::uint8_t> bytes) {
  std::string text;
  for (const auto byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace moenet::net::testing
