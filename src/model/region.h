// Regions of the network (wire contract A11): what a node's region code says of where it is. Pure.
#pragma once

#include <span>
#include <string_view>

namespace moenet::model {

struct Region {
  int code = 0;
  std::string_view name;       // "AS-E": as operators write it
  std::string_view continent;  // keys of the policy's communities (routing_policy.h): of `origin`, "as"
  std::string_view subregion;  // of `subregion`, "as_e"
  std::string_view community;  // of `region`, "as_e"; Europe has one for all its parts
};

// All, by code.
std::span<const Region> regions();
// Null when there is none of that code.
const Region* find_region(int code);

}  // namespace moenet::model
