// NameTable: names to numbers, in one flat block with open addressing. std::unordered_map spends one allocation and two cache misses
// per name, which is most of what comparing 10,000 unchanged sessions costs. Holds views: the names must outlive it.
#pragma once

#include <bit>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace moenet::reconcile {

class NameTable {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  // REQUIRES: no more than `most` different names are put in.
  explicit NameTable(std::size_t most) : slots_(std::bit_ceil(most * 2 + 1)) {}

  // The number of `name`, for the caller to set; kNone when it was not there.
  std::uint32_t& operator[](std::string_view name) {
    const std::size_t hash = std::hash<std::string_view>()(name);
    Slot& slot = slots_[position(name, hash)];
    slot.is_used = true;
    slot.hash = hash;
    slot.name = name;
    return slot.number;
  }
  // kNone when it is not there.
  std::uint32_t find(std::string_view name) const {
    return slots_[position(name, std::hash<std::string_view>()(name))].number;
  }

 private:
  struct Slot {
    std::string_view name;
    std::size_t hash = 0;
    std::uint32_t number = kNone;
    bool is_used = false;
  };

  // Where the name is, or the free slot where it belongs.
  std::size_t position(std::string_view name, std::size_t hash) const {
    std::size_t at = hash & (slots_.size() - 1);
    while (slots_[at].is_used && (slots_[at].hash != hash || slots_[at].name != name)) at = (at + 1) & (slots_.size() - 1);
    return at;
  }

  std::vector<Slot> slots_;
};

}  // namespace moenet::reconcile
