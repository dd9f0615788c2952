#include "model/region.h"

#include <algorithm>
#include <array>

namespace moenet::model {

namespace {

constexpr std::array<Region, 15> kRegions = {{
    {101, "AS-E", "as", "as_e", "as_e"},
    {102, "AS-SE", "as", "as_se", "as_se"},
    {103, "AS-S", "as", "as_s", "as_s"},
    {104, "AS-N", "as", "as_n", "as_n"},
    {201, "NA-E", "na", "na_e", "na_e"},
    {202, "NA-C", "na", "na_c", "na_c"},
    {203, "NA-W", "na", "na_w", "na_w"},
    {204, "CA", "na", "ca", "ca"},
    {205, "SA", "na", "sa", "sa"},
    {301, "EU-W", "eu", "eu_w", "eu"},
    {302, "EU-C", "eu", "eu_c", "eu"},
    {303, "EU-E", "eu", "eu_e", "eu"},
    {401, "OC", "oc", "oc", "oc"},
    {501, "AF", "af", "af", "af"},
    {502, "ME", "af", "me", "me"},
}};

}  // namespace

std::span<const Region> regions() { return kRegions; }

const Region* find_region(int code) {
  const auto found = std::ranges::find(kRegions, code, &Region::code);
  return found == kRegions.end() ? nullptr : &*found;
}

}  // namespace moenet::model
