// How many routes a BGP session carries, its channels taken together, as BIRD counts them.
#pragma once

#include <cstdint>
#include <string>

namespace moenet::model {

struct RouteCounts {
  std::string protocol;         // "dn42_4242420001"
  std::uint64_t imported = 0;   // accepted from the neighbor
  std::uint64_t filtered = 0;   // refused, where they are kept (`import keep filtered`)
  std::uint64_t exported = 0;   // told to the neighbor
  std::uint64_t preferred = 0;  // of the imported: the best of their network

  friend bool operator==(const RouteCounts&, const RouteCounts&) = default;
};

}  // namespace moenet::model
