// NameTable: names to small numbers, in flat memory with open addressing. std::unordered_map spends an allocation and
// two cache misses per name, which is most of what comparing 10,000 unchanged sessions costs. Holds views: the names
// must outlive it.
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
  explicit NameTable(std::size_t most) : slots_(std::bit_ceil(most * 2 + 1)) { names_.reserve(most); }

  // The number of `name`, which is new or known: 0 for the first name, 1 for the second, and so on.
  std::uint32_t put(std::string_view name) {
    const std::size_t hash = std::hash<std::string_view>()(name);
    Slot& slot = slots_[position(name, hash)];
    if (slot.number == kNone) {
      slot = {static_cast<std::uint32_t>(names_.size()), tag_of(hash)};
      names_.push_back(name);
    }
    return slot.number;
  }
  // kNone when it is not there.
  std::uint32_t find(std::string_view name) const {
    return slots_[position(name, std::hash<std::string_view>()(name))].number;
  }

 private:
  struct Slot {
    std::uint32_t number = kNone;  // kNone: free
    std::uint32_t tag = 0;         // of the name's hash, so that another name is told apart without reading it
  };

  static std::uint32_t tag_of(std::size_t hash) { return static_cast<std::uint32_t>(hash >> 32); }

  // Where the name is, or the free slot where it belongs. There always is one: at most half of them are taken.
  std::size_t position(std::string_view name, std::size_t hash) const {
    std::size_t at = hash & (slots_.size() - 1);
    while (slots_[at].number != kNone && (slots_[at].tag != tag_of(hash) || names_[slots_[at].number] != name)) {
      at = (at + 1) & (slots_.size() - 1);
    }
    return at;
  }

  std::vector<Slot> slots_;
  std::vector<std::string_view> names_;
};

}  // namespace moenet::reconcile
