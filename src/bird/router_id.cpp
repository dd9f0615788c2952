#include "bird/router_id.h"

#include <cstdint>

#include <fmt/format.h>

namespace moenet::bird {

std::string router_id(std::string_view node_name, const std::optional<IpAddress>& ipv4) {
  if (ipv4 && ipv4->is_v4()) return ipv4->text();
  std::uint32_t hash = 2166136261u;
  for (const char c : node_name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return fmt::format("{}.{}.{}.{}", 240 + (hash >> 24) % 15, (hash >> 16) & 255, (hash >> 8) & 255, hash & 255);
}

}  // namespace moenet::bird
